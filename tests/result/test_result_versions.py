"""Results that are not today's whole ones: of earlier versions, and of jobs that failed."""

import json

import pytest

from landscape.result.saved import JSON_NAME, Result, ResultError
from tests.result.test_result import example, same


def test_results_of_earlier_versions_have_no_statements(tmp_path):
    """Written before there were statements, or second projections: they load, with none."""
    example().save(tmp_path)
    document = json.loads((tmp_path / JSON_NAME).read_text())
    del document["statements"], document["digest"]
    for name in ("second_projection", "objective"):
        del document["projections"]["trajectory"][name]
    (tmp_path / JSON_NAME).write_text(json.dumps(document))
    same(Result.load(tmp_path), example(statements=[]))
    document["statements"] = "J decreases."
    (tmp_path / JSON_NAME).write_text(json.dumps(document))
    with pytest.raises(ResultError, match="statements is a str"):
        Result.load(tmp_path)


def test_a_failed_job_is_a_result_too(tmp_path):
    result = Result("fig06", "m", "full", {}, {}, status="failed", error="Traceback …\nCUDA out of memory")
    result.save(tmp_path)
    same(Result.load(tmp_path), result)
