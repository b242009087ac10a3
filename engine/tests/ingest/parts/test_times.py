import datetime

import numpy as np
import pandas as pd
import pytest
from crossrec.ingest.dates import guess_format
from crossrec.ingest.times import TimeParser
from hypothesis import given
from hypothesis import strategies as st

T = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC


def parse(values, format=None, dtype=object):
    parser = TimeParser(format)
    return parser.parse(pd.Series(values, dtype=dtype)).tolist(), parser.note


@pytest.mark.parametrize(
    ("factor", "unit"),
    [(1, "seconds"), (1e3, "milliseconds"), (1e6, "microseconds"), (1e9, "nanoseconds")],
)
def test_the_unit_of_numbers_follows_from_their_size(factor, unit):
    numbers = [T * factor, (T + 60) * factor]
    for values in (numbers, [str(int(number)) for number in numbers]):
        seconds, note = parse(values)
        assert seconds == pytest.approx([T, T + 60])
        assert note == f"unix {unit}"


def test_fractions_of_seconds_are_kept():
    assert parse(["1700000000.25"])[0] == [T + 0.25]


def test_the_unit_holds_for_the_whole_source():
    parser = TimeParser()
    parser.parse(pd.Series([T, T]))
    assert parser.parse(pd.Series([T * 1000])).tolist() == [T * 1000]


def test_one_stray_number_does_not_decide_the_unit():
    seconds, note = parse([T, T + 1, T + 2, 0, (T + 3) * 1000])
    assert note == "unix seconds"
    assert seconds[:4] == [T, T + 1, T + 2, 0]


@pytest.mark.parametrize(
    "text",
    [
        "2023-11-14T22:13:20Z",
        "2023-11-14 22:13:20",
        "2023-11-14T22:13:20.000+00:00",
        "2023-11-15T00:13:20+02:00",
        "2023/11/14 22:13:20",
        "11/14/2023 22:13:20",
        "14/11/2023 22:13:20",
        "14.11.2023 22:13:20",
        "14-11-2023 22:13:20",
        "11/14/2023 10:13:20 PM",
        "14 Nov 2023 22:13:20",
        "Nov 14, 2023 22:13:20",
        "November 14, 2023 22:13:20",
        "Tue Nov 14 22:13:20 +0000 2023",
        "Tue, 14 Nov 2023 22:13:20 +0000",
        "Tue, 14 Nov 2023 22:13:20 GMT",
        "Tue Nov 14 22:13:20 2023",
        "Tue Nov 14 2023 22:13:20 GMT+0000 (Coordinated Universal Time)",
        "14/Nov/2023:22:13:20 +0000",
        "2023-11-14 22:13:20 UTC",
        "2023-11-14 22:13:20.000000 UTC",
        "2023-11-14 22:13:20 GMT",
        "2023-11-14 22:13:20 +0000",
        "2023-11-14 23:13:20+0100",
        "2023-11-14T22:13:20,000",
        "20231114T221320Z",
        "20231114 22:13:20",
        "20231114221320",
        "14.11.23 22:13:20",
        "14.11.2023, 22:13:20",
        "2023.11.14 22:13:20",
        "14-Nov-2023 22:13:20",
        "14-Nov-23 10:13:20 PM",
        "11/14/2023, 10:13:20 PM",
        "11/14/2023 10:13:20 p.m.",
        "Nov 14 2023 22:13:20",
        "/Date(1700000000000)/",
        "1700000000.0",
        "1.7e9",
        " 2023-11-14 22:13:20 ",
    ],
)
def test_usual_ways_to_write_a_time(text):
    assert parse([text])[0] == [T]


@pytest.mark.parametrize(
    "text",
    [
        "2023-11-14",
        "14.11.2023",
        "11/14/23",
        "20231114",
        "11 14, 2023",
        "Tuesday, November 14, 2023",
    ],
)
def test_days_are_midnight_utc(text):
    assert parse([text])[0] == [pd.Timestamp("2023-11-14", tz="UTC").timestamp()]


def test_iso_times_may_be_mixed_in_detail():
    seconds, note = parse(["2023-11-14", "2023-11-14T22:13:20Z", "2023-11-14 22:13:20.5"])
    assert seconds[1:] == [T, T + 0.5]
    assert note == "ISO dates"


def test_a_day_after_the_12th_settles_the_order_of_day_and_month():
    seconds, note = parse(["01/02/2023", "13/02/2023"])
    assert seconds[0] == pd.Timestamp("2023-02-01", tz="UTC").timestamp()
    assert "could be" not in note
    assert parse(["01/02/2023", "02/13/2023"])[0][0] == (
        pd.Timestamp("2023-01-02", tz="UTC").timestamp()
    )


def test_ambiguous_days_and_months_are_mentioned():
    seconds, note = parse(["01/02/2023", "03/04/2023"])
    assert seconds[0] == pd.Timestamp("2023-01-02", tz="UTC").timestamp()
    assert "--time-format" in note


def test_all_strings_decide_between_equals_and_not_only_the_sample():
    strings = pd.Series([f"01/01/20{year:02}" for year in range(24)] * 60 + ["25/12/2023"])
    assert guess_format(strings)[0] == "%d/%m/%Y"


def test_a_given_format_settles_it():
    assert parse(["01/02/2023"], "%d/%m/%Y")[0] == [
        pd.Timestamp("2023-02-01", tz="UTC").timestamp()
    ]
    assert parse(["20230201"], "%Y%d%m")[0] == [pd.Timestamp("2023-01-02", tz="UTC").timestamp()]


@pytest.mark.parametrize("bad", ["yesterday", "", "2023-13-45", "inf", "nan", "1e999"])
def test_what_cannot_be_parsed_is_nan_and_the_others_are_not(bad):
    seconds, _ = parse(["1700000000", bad, "1700000001"])
    assert seconds[0] == T
    assert np.isnan(seconds[1])
    seconds, _ = parse(["2023-11-14T22:13:20Z", bad, "2023-11-14T22:13:21Z"])
    assert seconds[0] == T
    assert np.isnan(seconds[1])


def test_missing_cells_are_nan():
    assert np.isnan(parse([None, "1700000000"])[0][0])
    assert np.isnan(parse([np.nan, T], dtype=np.float64)[0][0])
    assert np.isnan(parse(["", ""])[0]).all()
    assert np.isnan(parse([np.nan, np.nan], dtype=np.float64)[0]).all()


def test_pandas_dates_with_and_without_zone():
    naive = pd.Series(pd.to_datetime(["2023-11-14 22:13:20", None]))
    for column in (naive, naive.dt.tz_localize("UTC"), naive.astype(object)):
        parser = TimeParser()
        seconds = parser.parse(column)
        assert seconds[0] == T
        assert np.isnan(seconds[1])
    berlin = naive.dt.tz_localize("Europe/Berlin")
    assert TimeParser().parse(berlin)[0] == T - 3600


def test_negative_numbers_stay_negative():
    assert parse([-5, 10])[0] == [-5.0, 10.0]


def test_small_numbers_are_seconds_and_no_dates():
    assert parse([100, 200, 300]) == ([100.0, 200.0, 300.0], "unix seconds")


def test_numbers_like_dates_are_dates_only_if_all_are():
    assert parse([20231114, 20231399])[1] == "unix seconds"


def test_a_chunk_of_junk_decides_nothing():
    parser = TimeParser()
    assert np.isnan(parser.parse(pd.Series(["soon", "later"], dtype=object))).all()
    assert parser.parse(pd.Series(["1700000000"], dtype=object)).tolist() == [T]
    assert np.isnan(parser.parse(pd.Series(["soon"], dtype=object))).all()
    assert parser.parse(pd.Series(["1700000001"], dtype=object)).tolist() == [T + 1]
    assert parser.note == "unix seconds"


def test_one_number_among_cells_that_are_no_time_at_all_is_a_number():
    parser = TimeParser()
    seconds = parser.parse(pd.Series(["1", "soon", "nan"]))
    assert seconds[0] == 1.0
    assert np.isnan(seconds[1:]).all()


def test_one_number_among_dates_does_not_make_them_numbers():
    seconds = TimeParser().parse(pd.Series(["5", "2024-01-02", "2024-01-03"]))
    assert np.isfinite(seconds[1:]).all()


@pytest.mark.parametrize(
    "texts",
    [
        ["2023-11-14 22:13:20.5 UTC", "2023-11-14 22:13:21 UTC", "2023-11-14 22:13:22 UTC"],
        ["2023-11-14T22:13:20.5Z", "2023-11-14T22:13:21Z", "2023-11-14T22:13:22Z"],
        ["14.11.2023 22:13:20.5", "14.11.2023 22:13:21", "14.11.2023 22:13:22"],
        ["14.11.2023 22:13:20,5", "14.11.2023 22:13:21", "14.11.2023 22:13:22"],
        ["11/14/2023 22:13:20.500", "11/14/2023 22:13:21", "11/14/2023 22:13:22 UTC"],
    ],
)
def test_fractions_may_be_there_only_sometimes(texts):
    wanted = [T + 0.5, T + 1, T + 2]
    assert parse(texts)[0] == wanted
    assert parse(texts[::-1])[0] == wanted[::-1]


@pytest.mark.parametrize(
    "format", ["%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S.%f UTC", "%Y-%m-%d %H:%M:%S"]
)
def test_a_given_format_allows_fractions_to_be_there_only_sometimes(format):
    assert parse(["2023-11-14 22:13:20.5 UTC", "2023-11-14 22:13:21 UTC"], format)[0] == [
        *(T + 0.5, T + 1)
    ]


DAY = 86_400.0
SERIAL = 44_000 - 25_569  # days from 1970 to 2020-06-18


@pytest.mark.parametrize("dtype", [object, np.float64])
def test_days_of_excel_are_known_by_their_size(dtype):
    seconds, note = parse([44_000, 44_000.5, 44_001.25], dtype=dtype)
    assert seconds == [SERIAL * DAY, (SERIAL + 0.5) * DAY, (SERIAL + 1.25) * DAY]
    assert note.startswith("Excel days (if these are unix seconds, say --time-format seconds)")
    assert pd.Timestamp(seconds[0], unit="s") == pd.Timestamp("2020-06-18")


def test_days_of_excel_are_exact_to_the_second():
    at = pd.Timestamp("2024-02-29 13:37:42")
    day = (at - pd.Timestamp("1899-12-30")) / pd.Timedelta(days=1)
    assert parse([day])[0] == [at.timestamp()]


def test_numbers_of_that_size_among_others_are_no_days_of_excel():
    assert parse([44_000, 100])[1] == "unix seconds"
    assert parse([44_000, 90_000])[1] == "unix seconds"


@pytest.mark.parametrize(
    ("unit", "number"),
    [
        ("seconds", T), ("milliseconds", T * 1e3), ("microseconds", T * 1e6),
        ("nanoseconds", T * 1e9), ("days", T / DAY), ("excel", T / DAY + 25_569),
    ],
)  # fmt: skip
def test_a_unit_can_be_given(unit, number):
    assert parse([number], unit)[0] == pytest.approx([T], abs=1e-3)
    assert parse([str(number)], unit)[0] == pytest.approx([T], abs=1e-3)
    assert parse([44_000.0], "seconds")[0] == [44_000.0]


@pytest.mark.parametrize(
    ("numbers", "date"),
    [
        ([20_240_229], "2024-02-29"),
        ([202_402_291_337], "2024-02-29 13:37"),
        ([20_240_229_133_742], "2024-02-29 13:37:42"),
    ],
)
def test_digits_of_dates_are_dates(numbers, date):
    assert parse(numbers)[0] == [pd.Timestamp(date).timestamp()]
    assert parse([str(number) for number in numbers])[0] == [pd.Timestamp(date).timestamp()]


@pytest.mark.parametrize("number", [20_230_229, 20_240_230, 20_241_301, 20_240_200])
def test_days_that_no_month_has_are_no_dates(number):
    assert "unix" in parse([number])[1]
    parser = TimeParser()
    parser.parse(pd.Series([20_240_101]))
    assert np.isnan(parser.parse(pd.Series([number]))).all()


def test_times_of_one_day_of_1970_are_doubted():
    parser = TimeParser()
    parser.parse(pd.Series([1, 2, 3]))
    assert "all times lie on 1970-01-01" in parser.doubt
    parser.parse(pd.Series([100_000]))
    assert parser.doubt == ""
    assert TimeParser().doubt == ""


def test_python_dates_in_a_column_of_objects():
    at = datetime.datetime(2023, 11, 14, 22, 13, 20)
    assert parse([at, at.replace(microsecond=500_000), None])[0][:2] == [T, T + 0.5]
    assert parse([at.date(), at])[0] == [T - T % DAY, T]


@given(
    st.lists(
        st.datetimes(datetime.datetime(1970, 1, 2), datetime.datetime(2099, 1, 1)),
        min_size=1,
        max_size=9,
    ),
    st.sampled_from(
        [
            "%Y-%m-%dT%H:%M:%S.%fZ",
            "%Y-%m-%d %H:%M:%S UTC",
            "%Y%m%d%H%M%S",
            "%d %b %Y %H:%M:%S",
            "%Y/%m/%d %H:%M:%S.%f",
            "%d.%m.%Y %H:%M:%S",
        ]
    ),
)
def test_what_was_written_is_read(times, format):
    cut = "%f" not in format
    times = [time.replace(microsecond=0) if cut else time for time in times]
    seconds, _ = parse([time.strftime(format) for time in times])
    wanted = [time.replace(tzinfo=datetime.UTC).timestamp() for time in times]
    assert seconds == pytest.approx(wanted, abs=1e-5)
