"""`make bench`: every measurement, one after another."""

from benches import arrow, delivery, json_text, serialize, track


def main() -> None:
    for measurement in (serialize, json_text, arrow, delivery, track):
        print(f"\n== {measurement.__name__}: {measurement.__doc__}")
        measurement.main()


main()
