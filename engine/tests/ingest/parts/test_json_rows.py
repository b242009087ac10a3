"""JSON arrays: elements with their lines, wherever blocks end, and arrays that break."""

import json

import numpy as np
import pytest
from crossrec.errors import DataError
from crossrec.ingest.reading import json_rows
from crossrec.ingest.reading.chunks import ReadOptions
from crossrec.ingest.reading.json_rows import JsonReader
from crossrec.ingest.reading.opening import open_table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


def read(path, **options):
    rows, lines, failures = [], [], []
    for chunk in open_table(path, ReadOptions(**options)).chunks():
        rows += chunk.frame.to_dict("records")
        lines += chunk.lines(np.arange(len(chunk.frame))).tolist()
        failures += [(failure.line, failure.cause) for failure in chunk.failures]
    return rows, lines, failures


def written(tmp_path, text, name="e.json"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


ROWS = [{"user": f"u{i}", "item": i} for i in range(5)]


@pytest.mark.parametrize("indent", [None, 0, 2])
@pytest.mark.parametrize("size", [2, 100])
def test_arrays_are_read_whatever_their_layout(tmp_path, indent, size):
    path = written(tmp_path, "\n" + json.dumps(ROWS, indent=indent) + "\n")
    rows, lines, failures = read(path, chunk_rows=size)
    assert rows == ROWS
    assert failures == []
    step = 1 if indent is None else 4
    assert lines == [2] * 5 if indent is None else [3 + step * i for i in range(5)]


def test_an_array_is_known_without_its_name(tmp_path):
    assert read(written(tmp_path, json.dumps(ROWS), "rows.txt"))[0] == ROWS
    assert read(written(tmp_path, "\ufeff" + json.dumps(ROWS), "rows.json"))[0] == ROWS


def test_elements_that_are_no_objects_are_failures(tmp_path):
    path = written(tmp_path, '[{"user": "u", "item": 1},\n 5,\n null,\n {"user": "v", "item": 2}]')
    rows, lines, failures = read(path)
    assert [row["user"] for row in rows] == ["u", "v"]
    assert lines == [1, 4]
    assert failures == [(2, "not a JSON object"), (3, "not a JSON object")]


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ('[{"user": "u", "item": 1},\n', (2, "the array is cut off here")),
        ('[{"user": "u", "item": 1},\n{"user": ', (2, "the array cannot be read from here on")),
        ('[{"user": "u", "item": 1},\nuser]', (2, "the array cannot be read from here on")),
        ('[{"user": "u", "item": 1}]\n{"user": "v"}', (1, "text after the array")),
    ],
)
def test_what_breaks_an_array_is_noted_with_its_line(tmp_path, text, failure):
    rows, _, failures = read(written(tmp_path, text))
    assert rows == [{"user": "u", "item": 1}]
    assert failures == [failure]


@pytest.mark.parametrize("text", ["[]", "[1, 2]", "5", '{\n "rows": [\n {\n"user": 1}\n]\n}'])
def test_files_without_rows(tmp_path, text):
    with pytest.raises(
        DataError, match="holds no JSON objects, one a line or in one array"
    ) as error:
        read(written(tmp_path, text))
    assert ("write its rows as an array" in str(error.value)) == ("rows" in text)


def test_very_deep_nesting_costs_its_line_only(tmp_path):
    path = written(tmp_path, '{"user": "u"}\n' + '{"a":' * 100_000 + "\n", "e.jsonl")
    assert read(path)[2] == [(2, "not a JSON object")]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(st.fixed_dictionaries({"user": st.text(max_size=9), "x": values}), min_size=1),
    block=st.integers(1, 40),
    indent=st.sampled_from([None, 1]),
)
def test_what_was_written_is_read_wherever_blocks_end(tmp_path, monkeypatch, rows, block, indent):
    monkeypatch.setattr(json_rows, "_BLOCK", block)
    path = written(tmp_path, " " * 3 + json.dumps(rows, indent=indent, ensure_ascii=False))
    monkeypatch.setattr(JsonReader, "_begins_with_array", lambda self: True)
    found, lines, failures = read(path)
    assert [{"user": row["user"], "x": row["x"]} for row in found] == rows
    assert failures == []
    assert lines == sorted(lines)
