"""Run every measurement of `make bench`, one after another."""

from benches import arrow, delivery, gzip, json_text, names, serialize, spool, threads, track, worst


def main() -> None:
    for measurement in (serialize, names, json_text, arrow, gzip, worst, threads, spool, delivery, track):
        print(f"\n== {measurement.__name__}: {(measurement.__doc__ or '').splitlines()[0]}")
        measurement.main()


main()
