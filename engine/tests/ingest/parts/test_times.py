import numpy as np
import pandas as pd
import pytest
from crossrec.ingest.times import TimeParser, guess_format

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
        " 2023-11-14 22:13:20 ",
    ],
)
def test_usual_ways_to_write_a_time(text):
    assert parse([text])[0] == [T]


@pytest.mark.parametrize("text", ["2023-11-14", "14.11.2023", "11/14/23", "20231114"])
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
