"""Files as people have them, from the file to the store: quotes, headers, archives, arrays."""

import json
import zipfile

import pytest
from crossrec.errors import DataError, UsageError
from crossrec.ingest import IngestOptions, ingest_files
from crossrec.ingest.mapping import parse_headers, parse_map


def ingested(workspace, shop, path, **options):
    return ingest_files(workspace, shop, events=path, options=IngestOptions(**options))


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|"])
@pytest.mark.parametrize("column", [1, 2])
@pytest.mark.parametrize("cell", ['"Heroes', '12" maxi', '"', 'a "b', '""x'])
def test_lone_quotes_lose_no_row(shop, workspace, write, delimiter, column, cell):
    rows = [[f"i{n}", f"song {n}", "pop"] for n in range(30)]
    for n in (4, 21):
        rows[n][column] = f"{cell}{n}"
    lines = [delimiter.join(row) for row in [["item_id", "title", "genre"], *rows]]
    report = ingest_files(workspace, shop, items=write("i.txt", *lines))
    table = report.table("items")
    assert (table.rows, table.good, table.n_bad) == (30, 30, 0)
    stored = workspace.store().items("shop")[1]
    field = "title" if column == 1 else "genre"
    assert stored["i4"][field] == f"{cell}4"
    assert stored["i5"][field] == rows[5][column]
    noted = any("quotes" in note for note in table.notes)
    assert noted or not cell.startswith('"')


def test_escapes_of_databases_are_read_and_noted(shop, workspace, write):
    lines = ["id,title", '1,"say \\"hi\\", she said"', '2,"plain"', "3,a\\,b"]
    report = ingest_files(workspace, shop, items=write("i.csv", *lines))
    stored = workspace.store().items("shop")[1]
    assert [stored[id_]["title"] for id_ in "123"] == ['say "hi", she said', "plain", "a,b"]
    assert "backslashes were read as escapes in 2 lines" in report.table("items").notes


MOVIES = [f"{n}\t{n % 3}\t{n % 5 + 1}\t{881250949 + n}" for n in range(12)]


def test_a_file_without_a_header_is_refused_and_then_read_whole(shop, workspace, write):
    path = write("u.data", *MOVIES)
    with pytest.raises(DataError, match="has no header.*--header user,item,value,time"):
        ingested(workspace, shop, path)
    headers = parse_headers(["user,item,value,time"], ["events"])
    report = ingested(workspace, shop, path, headers=headers)
    assert report.totals["events"] == 12
    # Its columns can be mapped by their first cells too: the first line stays a row.
    columns = parse_map(["user=0", "item=0 (2)", "value=1", "time=881250949"], shop)
    report = ingested(workspace, shop, path, columns=columns)
    assert (report.table("events").good, report.table("events").new) == (12, 0)


def test_texts_in_a_first_line_are_distinguished_from_a_header(shop, workspace, write):
    with pytest.raises(DataError, match="found: u1, i7, view; .*if that is a row.*--header"):
        ingested(workspace, shop, write("e.csv", "u1,i7,view", "u2,i8,view"))


def test_headers_are_given_by_table():
    assert parse_headers(["a, b"], ["events"]) == {"events": ("a", "b")}
    both = parse_headers(["items=id,title", "events=user,item"], ["items", "events"])
    assert both == {"items": ("id", "title"), "events": ("user", "item")}
    with pytest.raises(UsageError, match="say which table it is of, such as --header items=a,b"):
        parse_headers(["a,b"], ["items", "events"])
    with pytest.raises(UsageError, match="such as --header events=a"):
        parse_headers(["users=a"], ["events"])


def test_an_array_in_a_zip_archive(shop, workspace, tmp_path):
    rows = [{"user": f"u{n}", "item": "i", "time": 1000 + n} for n in range(5)]
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("export.json", json.dumps(rows, indent=1))
    report = ingested(workspace, shop, tmp_path / "export.zip", chunk_rows=2)
    assert report.totals["events"] == 5


def test_the_same_rows_in_any_packing_are_the_same_events(shop, workspace, write, tmp_path):
    text = write("e.csv", "user,item,time", "u1,i1,1000", "u2,i2,1001").read_text()
    ingested(workspace, shop, tmp_path / "e.csv")
    for name in ("e.csv.zip", "sep.csv", "quoted.csv"):
        path = tmp_path / name
        if name.endswith("zip"):
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("e.csv", text)
        elif name == "sep.csv":
            path.write_text("sep=;\n" + text.replace(",", ";"))
        else:
            path.write_text("".join(f'"{line}"\n'.replace(",", '","') for line in text.split()))
        report = ingested(workspace, shop, path)
        assert (report.table("events").good, report.table("events").new) == (2, 0)
