"""`make bench`: every measurement, one after another."""

from benches import arrow, delivery, json_text, serialize, spool


def main() -> None:
    for measurement in (serialize, json_text, arrow, spool, delivery):
        print(f"\n== {measurement.__name__}: {measurement.__doc__}")
        measurement.main()


main()
