"""`make bench`: every measurement, one after another."""

from benches import delivery, serialize


def main() -> None:
    for measurement in (serialize, delivery):
        print(f"\n== {measurement.__name__}: {measurement.__doc__}")
        measurement.main()


main()
