"""The blocks of docs/spark.md run, and its table has every option."""

from __future__ import annotations

import re
from pathlib import Path

from pyspark.sql import SparkSession

from engines.spark.conftest import ROOT
from mixpress.cluster.job import NAMES

PAGE = (ROOT / "docs" / "spark.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```py\n(.*?)^```", re.M | re.S)
SPARK_ROW = re.compile(r"^\| (`[^|]*`) \|", re.M)


def test_the_blocks_of_the_page_run_one_after_the_other(spark: SparkSession, tmp_path: Path) -> None:
    scope = {"spark": spark, "folder": str(tmp_path)}
    for block in BLOCK.findall(PAGE):
        exec(compile(block, "docs/spark.md", "exec"), scope)
    assert len(BLOCK.findall(PAGE)) == 4
    assert (tmp_path / "report.json").exists()


def test_the_table_of_the_page_has_every_option() -> None:
    table = PAGE.partition("\n## Options\n")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"`(\w+)`", "".join(SPARK_ROW.findall(table)))) == NAMES
