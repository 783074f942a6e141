"""Run every measurement of `make bench`, one after another."""

from benches import (
    arrow,
    delivery,
    findings,
    gzip,
    json_text,
    names,
    serialize,
    spool,
    threads,
    track,
    values,
    verdicts,
    worst,
)


def main() -> None:
    encoding = [serialize, names, values, findings, json_text, arrow, gzip, worst, threads]
    for measurement in [*encoding, verdicts, spool, delivery, track]:
        print(f"\n== {measurement.__name__}: {(measurement.__doc__ or '').splitlines()[0]}")
        measurement.main()


main()
