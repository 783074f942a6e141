"""import_table with the real tables of engines, which it cannot read: the error says what to do."""

from __future__ import annotations

from typing import Any

import dask.dataframe as dd
import pandas as pd
import pytest
import ray.data

from mixpress import Client, ServiceAccount


def dataset_of_ray() -> Any:
    """Return a Dataset without starting Ray: what it is decides, not what it has."""
    return object.__new__(ray.data.Dataset)


@pytest.mark.parametrize(
    ("table", "remedy"),
    [
        (dd.from_pandas(pd.DataFrame({"a": [1]}), npartitions=1), r"a DataFrame of dask .*map_partitions"),
        (dataset_of_ray(), r"a Dataset of ray .*dataset\.write_datasink\(MixpressDatasink\("),
    ],
)
def test_a_table_of_an_engine_says_what_to_do_with_it(table: Any, remedy: str) -> None:
    account = ServiceAccount("user", "a-well-kept-secret", project_id="17")
    with Client(account, base_url="http://127.0.0.1:9") as client, pytest.raises(TypeError, match=remedy):
        client.import_table(table)
