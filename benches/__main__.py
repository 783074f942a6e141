"""Run every measurement of `make bench`, one after another."""

from benches import arrow, delivery, gzip, json_text, serialize, spool, threads, track, values, worst


def main() -> None:
    for measurement in (serialize, values, json_text, arrow, gzip, worst, threads, spool, delivery, track):
        print(f"\n== {measurement.__name__}: {(measurement.__doc__ or '').splitlines()[0]}")
        measurement.main()


main()
