"""Run every measurement of `make bench`, one after another."""

from benches import arrow, delivery, findings, gzip, json_text, serialize, spool, threads, track, worst


def main() -> None:
    for measurement in (serialize, json_text, arrow, findings, gzip, worst, threads, spool, delivery, track):
        print(f"\n== {measurement.__name__}: {(measurement.__doc__ or '').splitlines()[0]}")
        measurement.main()


main()
