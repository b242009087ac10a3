"""Compressed files and archives, and files that are something else."""

import bz2
import gzip
import io
import lzma
import random
import zipfile

import pytest
from crossrec.errors import DataError
from crossrec.ingest.reading.chunks import ReadOptions
from crossrec.ingest.reading.opening import open_table
from crossrec.ingest.reading.packing import inner_name, packing_of

TABLE = b"user,item\nu1,i1\nu2,i2\n"


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "packing"),
    [
        ("e.csv", TABLE, ""),
        ("e.csv.gz", gzip.compress(TABLE), "gzip"),
        ("e.csv.bz2", bz2.compress(TABLE), "bzip2"),
        ("e.csv.xz", lzma.compress(TABLE), "xz"),
        ("e.zip", zipped(**{"e.csv": TABLE}), "zip"),
        ("e.zip", zipped(**{"data__e.csv": TABLE, "data__": "", "data__.DS_Store": "x"}), "zip"),
        ("named wrongly.csv", gzip.compress(TABLE), "gzip"),
    ],
)
def test_packed_tables_are_read(tmp_path, name, content, packing):
    path = tmp_path / name
    path.write_bytes(content)
    assert packing_of(path) == packing
    if name.startswith("e"):
        assert inner_name(path) == "e.csv"
    source = open_table(path, ReadOptions())
    assert [chunk.frame.values.tolist() for chunk in source.chunks()] == [
        [["u1", "i1"], ["u2", "i2"]]
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "e.zip",
            zipped(**{"a.csv": TABLE, "b.csv": TABLE}),
            r"holds 2 files \(a.csv, b.csv\): unp",
        ),
        ("e.zip", zipped(), "holds no file"),
        ("e.zip", zipped(**{"a.csv": TABLE})[:-30], "damaged zip file"),
        ("e.csv.bz2", bz2.compress(TABLE * 99)[:-9], "damaged bzip2 file"),
        ("e.csv.xz", lzma.compress(TABLE * 99)[:-9], "damaged xz file"),
        (
            "e.xls",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "old Excel workbook .*save it as CSV or .xlsx",
        ),
        ("e.csv", b"%PDF-1.7\n", "is a PDF"),
        ("e.csv", b"SQLite format 3\x00", "SQLite database.*export its tables as CSV"),
        ("e.7z", b"7z\xbc\xaf\x27\x1c..", "7-Zip archive"),
        ("e.pkl", b"\x80\x04\x95", "Python pickle.*may run code"),
        ("e.csv", b"<!DOCTYPE html><html>", "web page"),
        ("e.csv", b'<?xml version="1.0"?><a/>', "XML file"),
        ("e.feather", b"ARROW1\x00\x00", "Feather.*Parquet or CSV"),
        ("e.tar", b"x" * 257 + b"ustar" + b"\x00" * 200, "tar archive"),
        ("e.xlsx", b"user,item\nu,i\n", "no Excel workbook"),
        ("e.docx", zipped(**{"[Content_Types].xml": "", "word.xml": ""}), "Office file"),
        ("e.csv", "user,item\nu1,i1\n".encode("utf-16-le"), "--encoding utf-16-le"),
        ("e.csv", "user,item\nu1,i1\n".encode("utf-16-be"), "--encoding utf-16-be"),
    ],
)
def test_what_is_no_table_is_said_to_be_what_it_is(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=message) as error:
        open_table(path, ReadOptions())
    assert "\n" not in str(error.value)
    assert "latin-1" not in str(error.value)


def test_the_advice_on_an_encoding_works(tmp_path):
    path = tmp_path / "e.csv"
    path.write_bytes("user,item\nu1,i1\n".encode("utf-16-le"))
    source = open_table(path, ReadOptions(encoding="utf-16-le"))
    assert next(iter(source.chunks())).frame.values.tolist() == [["u1", "i1"]]


def test_an_archive_behind_a_password(tmp_path):
    content = bytearray(zipped(**{"a.csv": TABLE}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1  # the bit that says it is encrypted
    (tmp_path / "e.zip").write_bytes(bytes(content))
    with pytest.raises(DataError, match="locked with a password: unpack it first"):
        open_table(tmp_path / "e.zip", ReadOptions())


def spoilt(content, rng):
    """Return the content with some bytes changed, taken away or cut off."""
    found = bytearray(content)
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(found) or 1)
        kind = rng.random()
        if kind < 0.6 and found:
            found[at] = rng.randrange(256)
        elif kind < 0.9:
            del found[at : at + rng.randint(1, 20)]
        else:
            found = found[:at]
    return bytes(found)


@pytest.mark.parametrize("seed", range(6))
def test_damaged_files_of_any_kind_are_read_or_refused_in_one_line(tmp_path, seed):
    rng = random.Random(seed)
    packed = [
        TABLE,
        b"\xef\xbb\xbf",
        gzip.compress(TABLE),
        bz2.compress(TABLE),
        lzma.compress(TABLE),
        zipped(**{"e.csv": TABLE}),
        zipped(**{"[Content_Types].xml": "<a/>", "xl__workbook.xml": "<b/>"}),
        b'[{"user": "u", "item": 1},\n{"user": {"id": 2}, "item": [3]}]',
    ]
    for name in ("e.csv", "e.json", "e.zip", "e.csv.gz", "e.xlsx"):
        for content in packed * 5:
            path = tmp_path / name
            path.write_bytes(spoilt(content, rng))
            messages = []
            try:
                for chunk in open_table(path, ReadOptions(encoding="latin-1")).chunks():
                    assert len(chunk.frame) + len(chunk.failures)
            except DataError as error:
                messages.append(str(error))
            assert not any("\n" in message for message in messages)
