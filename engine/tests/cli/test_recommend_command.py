"""``crossrec fit``, ``recommend``, ``similar`` and ``explain`` from files to printed lists."""

import json

import pytest


@pytest.fixture(scope="module")
def shop(workshop, workshop_tables, tmp_path_factory):
    """The workshop's command line with one fitted workspace."""
    folder = tmp_path_factory.mktemp("shop")
    frames = workshop_tables(0)
    frames.items.to_csv(folder / "items.csv", index=False)
    frames.events.to_csv(folder / "events.csv", index=False)
    where = folder / "ws"
    done = workshop(
        "ingest", "tools", "--items", folder / "items.csv", "--events", folder / "events.csv",
        "-w", where,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    done = workshop("fit", "tools", "-w", where)
    assert done.exit_code == 0, done.output

    def call(command, *more):
        return workshop(command, "tools", *more, "-w", where)

    call.fitted = done.stdout
    call.events = frames.events
    return call


def slate(done):
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def complaint(done, code=2):
    assert done.exit_code == code, done.output
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_fit_prints_what_it_did(shop):
    lines = shop.fitted.splitlines()
    assert lines[0] == "tools: fitted on 200 events of 40 users and 12 items"
    assert lines[1].split() == ["SOURCE", "TIME", "STATUS"]
    assert [line.split()[0] for line in lines[2:4]] == ["together", "counts"]
    assert lines[2].endswith(" s  fitted")
    assert lines[4].startswith("ranker: rrf (only 40 validation queries")


def test_fit_prints_json(shop):
    report = slate(shop("fit", "--json", "--seed", "3"))
    assert report["scenario"] == "tools"
    assert report["events"] == 200
    assert set(report["fit_seconds"]) == {"together", "counts"}
    assert report["failed"] == {}
    assert report["gate"]["chosen"] == "rrf"
    assert report["gate"]["failed"] == {}


def test_fit_names_what_was_left_out(shop, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('encoder = ""\nsources = [{name = "counts"}, {name = "dear"}]\n')
    done = shop("fit", "--pipeline", own)
    assert done.exit_code == 0, done.output
    assert any(
        line.split(None, 1) == ["dear", "left out: MemoryError: needs 99 GB"]
        for line in done.stdout.splitlines()
    )
    own.write_text('sources = [{name = "dear"}]\n')
    done = shop("fit", "--pipeline", own)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-2:] == [
        "Warning: source dear could not be fitted: MemoryError: needs 99 GB",
        "Error: no source could be fitted (dear: MemoryError: needs 99 GB)",
    ]
    own.write_text('sources = [{name = "moody"}]\n')
    done = shop("fit", "--pipeline", own)
    assert (done.exit_code, done.stdout) == (1, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: no source could answer (moody: RuntimeError: not today)")
    assert shop("recommend", "--user", "u2").exit_code == 0
    shop("fit")


def test_a_source_that_fails_at_requests_is_named_below_the_list(shop, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('sources = [{name = "counts"}, {name = "moody"}]\n')
    assert shop("fit", "--pipeline", own).exit_code == 0
    try:
        done = shop("recommend", "--user", "u2")
        assert done.stdout.splitlines()[-1] == "degraded: moody: RuntimeError: not today"
        degraded = slate(shop("recommend", "--user", "u2", "--json"))["degraded"]
        assert degraded == [{"component": "moody", "error": "RuntimeError: not today"}]
    finally:
        shop("fit")


def test_a_table_for_people(shop):
    done = shop("recommend", "--user", "u2", "-k", "1", "--explain")
    assert done.exit_code == 0, done.output
    head, first, *rest = done.stdout.splitlines()
    assert head.split() == ["#", "ITEM", "TITLE", "SCORE", "WHY"]
    seen = set(shop.events.item_id[shop.events.user_id == "u2"])
    (left,) = {f"t{i}" for i in range(0, 12, 2)} - seen
    assert first.split()[:2] == ["1", left]
    assert f"tool no. {left[1:]}" in first
    assert "often together with “tool no. " in first
    assert rest == []


def test_without_explain_there_are_no_reasons(shop):
    done = shop("recommend", "--user", "u2", "-k", "1")
    assert done.stdout.splitlines()[0].split() == ["#", "ITEM", "TITLE", "SCORE"]
    assert "often" not in done.stdout


def test_filters_boosts_and_context(shop):
    wide = slate(shop("recommend", "--user", "u2", "--json", "-k", "20"))
    wanted = wide["items"][-1]["title"]
    one = slate(shop("recommend", "--user", "u2", "--json", "--filter", f"title = '{wanted}'"))
    assert [item["title"] for item in one["items"]] == [wanted]
    boost = f"CASE WHEN title = '{wanted}' THEN 99 ELSE 1 END"
    lifted = slate(shop("recommend", "--user", "u2", "--json", "-k", "20", "--boost", boost))
    assert any(change["policy"] == "boost" for change in lifted["changes"])
    same = "title = context.wanted AND context.hour >= 20"
    call = ("recommend", "--user", "u2", "--json", "--filter", same)
    given = slate(shop(*call, "--context", f"wanted={wanted}", "--context", "hour=21"))
    assert [item["title"] for item in given["items"]] == [wanted]
    assert slate(shop(*call, "--context", f"wanted={wanted}", "--context", "hour=9"))["items"] == []


def test_conditions_of_a_file_are_checked_before_the_fit(shop, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text("[surfaces.bench]\nfilter = \"titel = 'x'\"\n")
    done = shop("fit", "--pipeline", own)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith(
        "Error: surface 'bench', filter: \"titel = 'x'\", character 1: no item has a field 'titel'"
    )
    own.write_text("[surfaces.bench]\nfilter = \"title LIKE '%3'\"\n")
    assert shop("fit", "--pipeline", own).exit_code == 0
    try:
        found = slate(shop("recommend", "--user", "u2", "--json"))["items"]
        assert [item["title"] for item in found] == ["tool no. 3"]
    finally:
        shop("fit")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--filter", "titel = 'x'"), "'titel': there are title"),
        (("--filter", "title ="), "character 7"),
        (("--boost", "title = 'x'"), "a boost is a number"),
        (("--context", "tv"), "name=value"),
    ],
)
def test_a_wrong_expression_is_one_line(shop, options, message):
    assert message in complaint(shop("recommend", "--user", "u2", *options))


def test_json_always_has_reasons(shop):
    found = slate(shop("recommend", "--user", "u2", "--json", "-k", "2"))
    assert len(found["items"]) == 2
    assert all(item["reasons"] for item in found["items"])
    assert (found["scenario"], found["surface"], found["path"]) == (
        "tools",
        "bench",
        "stored history",
    )


def test_notes_and_short_lists_are_shown(shop):
    done = shop("recommend", "--user", "stranger", "-k", "99")
    assert "only 12 of 99: the catalog has 12 items" in done.stdout
    assert "note: user 'stranger' is unknown" in done.stdout


@pytest.mark.parametrize("given_history", ["t0,t2", " t0 , t2 ", '["t0", "t2"]', ' ["t0","t2"]'])
def test_a_history_in_either_form(shop, given_history):
    found = slate(shop("recommend", "--history", given_history, "--json", "-k", "4"))
    assert found["path"] == "given history"
    assert {i["item_id"] for i in found["items"]} == {"t4", "t6", "t8", "t10"}


def test_exclude(shop):
    found = slate(
        shop("recommend", "--history", "t0,t2", "--exclude", "t4, t6", "--json", "-k", "2")
    )
    assert {i["item_id"] for i in found["items"]} == {"t8", "t10"}


def test_similar_items(shop):
    found = slate(shop("similar", "t1", "--json", "-k", "5"))
    assert found["path"] == "items"
    assert {i["item_id"] for i in found["items"]} == {"t3", "t5", "t7", "t9", "t11"}
    by_option = slate(shop("recommend", "--item", "t1", "--json", "-k", "5"))
    assert by_option["items"] == found["items"]
    two = slate(shop("similar", "t1", "t3", "--json", "-k", "4"))
    assert {i["item_id"] for i in two["items"]} == {"t5", "t7", "t9", "t11"}
    plain = shop("similar", "t1", "-k", "1", "--explain").stdout
    assert "often together with “tool no. 1”" in plain


def test_the_length_of_a_list_is_the_surfaces_own(workshop, workshop_tables, tmp_path):
    frames = workshop_tables(0)
    frames.events.to_csv(tmp_path / "events.csv", index=False)
    own = tmp_path / "own.toml"
    own.write_text("[surfaces.bench]\nk = 3\n[surfaces.alike]\nk = 2\n")
    where = ("-w", tmp_path / "ws")
    assert workshop("ingest", "tools", "--events", tmp_path / "events.csv", *where).exit_code == 0
    assert workshop("fit", "tools", "--pipeline", own, *where).exit_code == 0

    def length(command, *words):
        return len(slate(workshop(command, "tools", *words, "--json", *where))["items"])

    assert length("recommend", "--user", "u1") == 3
    assert length("recommend", "--item", "t1") == 2
    assert length("similar", "t1") == 2
    assert length("recommend", "--user", "u1", "-k", "5") == 5
    assert length("similar", "t1", "-k", "4") == 4
    assert "[default: the surface's own]" in workshop("recommend", "--help").stdout


def test_explain_prints_every_source(shop):
    done = shop("explain", "t4", "--history", "t0,t2")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].startswith("t4 tool no. 4: place ")
    assert lines[1].split() == ["SOURCE", "RANK", "Z-SCORE", "EVIDENCE"]
    assert [line.split()[0] for line in lines[2:]] == ["together", "counts"]
    assert "often together with “tool no. 0”" in lines[2]
    explanation = slate(shop("explain", "t4", "--history", "t0,t2", "--json"))
    assert explanation["item_id"] == "t4"
    assert [s["source"] for s in explanation["sources"]] == ["together", "counts"]
    assert f"place {explanation['place']} of the pool" in lines[0]


def test_explain_shows_why_an_item_is_out(shop):
    done = shop("explain", "t0", "--history", "t0,t2")
    assert "t0 tool no. 0: excluded for this user" in done.stdout


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        ("recommend", ("--item", "t1", "--history", "t1"), "give --item without --history"),
        ("recommend", ("--user", "u1", "-k", "0"), "k must be 1 or more"),
        ("recommend", ("--user", "u1", "-k", "two"), "'two' is not a valid integer"),
        ("recommend", ("--user", "u1", "--surface", "loft"), "it has bench, alike"),
        ("recommend", ("--history", "[t1"), "not a JSON list of ids"),
        ("recommend", ("--history", "[null]"), "a JSON list of ids holds strings"),
        ("recommend", ("--exclude", '[{"a": 1}]'), "a JSON list of ids holds strings"),
        ("similar", (), "Missing argument"),
        ("explain", ("t99",), "'t99' is not in the fitted catalog"),
        ("fit", ("--pipeline", "nowhere.toml"), "there is no pipeline file nowhere.toml"),
        ("fit", ("--seed", "x"), "'x' is not a valid integer"),
        ("recommend", ("--colour", "red"), "No such option"),
    ],
)
def test_wrong_calls_are_one_line_with_exit_code_2(shop, command, options, message):
    assert message in complaint(shop(command, *options))


def test_not_fitted_and_nothing_ingested(workshop, tmp_path):
    from crossrec.workspace import Workspace

    Workspace.create(tmp_path / "ws").close()
    line = complaint(workshop("recommend", "tools", "--user", "u1", "-w", tmp_path / "ws"), 1)
    assert "run `crossrec fit tools` first" in line
    line = complaint(workshop("fit", "tools", "-w", tmp_path / "ws"), 1)
    assert "run `crossrec ingest tools` first" in line
    assert "tools" in complaint(workshop("fit", "tolos", "-w", tmp_path / "ws"))


def test_reasons_in_another_language(shop):
    english = slate(shop("recommend", "--history", "t0,t2", "-k", "10", "--json"))
    german = slate(
        shop("recommend", "--history", "t0,t2", "-k", "10", "--language", "de", "--json")
    )
    assert [i["item_id"] for i in german["items"]] == [i["item_id"] for i in english["items"]]
    said = [reason["text"] for item in german["items"] for reason in item["reasons"]]
    assert any(text.startswith("oft zusammen mit “tool no. ") for text in said)
    (one,) = german["degraded"]
    assert one["component"] == "language model template"
    assert "stay English: no faithful wording in 'de', such as of 'popular: " in one["error"]
    assert any(text.startswith("popular: ") for text in said), "it has no template, and is shown"


def test_a_language_shows_the_reasons_in_it(shop):
    done = shop("recommend", "--history", "t0", "-k", "2", "--language", "de")
    assert done.exit_code == 0, done.output
    header, *rows = done.stdout.splitlines()
    assert header.split()[-1] == "WHY"
    assert all("oft zusammen mit “tool no. 0”" in row for row in rows[:2])


def test_degraded_wording_is_printed(shop):
    done = shop("recommend", "--history", "t0", "--explain", "--language", "fr")
    assert done.exit_code == 0, done.output
    assert "often together with “tool no. 0”" in done.stdout
    assert "degraded: language model template: " in done.stdout
    assert "no templates for the language 'fr'" in done.stdout


def test_what_is_no_language_is_refused(shop):
    assert "'Deutsch!' is no language" in complaint(
        shop("recommend", "--history", "t0", "--language", "Deutsch!")
    )


def test_a_source_that_is_late_is_left_out_of_the_list(shop, tmp_path):
    """The limit is for one request: the validation queries of a fit have as much each."""
    own = tmp_path / "own.toml"
    own.write_text('time_limit = 0.2\nsources = [{name = "together"}, {name = "sleepy"}]\n')
    assert shop("fit", "--pipeline", own).exit_code == 0
    try:
        answer = slate(shop("recommend", "--user", "u2", "-k", "5", "--json"))
        assert len(answer["items"]) == 5
        assert answer["degraded"] == [
            {"component": "sleepy", "error": "left out: it took longer than 0.2 s"}
        ]
        own.write_text("time_limit = 0\n")
        done = shop("fit", "--pipeline", own)
        assert done.exit_code != 0
        assert "time_limit: Input should be greater than 0" in done.stderr
    finally:
        shop("fit")


def test_a_source_that_cannot_be_stored_is_named_and_the_others_are_published(shop, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('sources = [{name = "together"}, {name = "stateless"}]\n')
    done = shop("fit", "--pipeline", own)
    try:
        assert done.exit_code == 0, done.output
        left = "left out: cannot be stored: TypeError: state() returned dict, not State"
        assert left in done.stdout
        assert slate(shop("recommend", "--user", "u2", "--json"))["degraded"] == []
    finally:
        shop("fit")


def test_pages_on_the_command_line(shop):
    first = slate(shop("recommend", "--user", "u2", "-k", "2", "--json"))
    second = slate(
        shop("recommend", "--user", "u2", "-k", "2", "--json", "--cursor", first["next_cursor"])
    )
    ids = [item["item_id"] for page in (first, second) for item in page["items"]]
    assert len(set(ids)) == 4
    whole = slate(shop("recommend", "--user", "u2", "-k", "4", "--json"))
    assert ids == [item["item_id"] for item in whole["items"]]
    assert "no cursor" in complaint(shop("recommend", "--user", "u2", "--cursor", "zz"))


def test_a_text_that_nothing_reads_is_said(shop):
    found = slate(shop("recommend", "--user", "u1", "--text", "tool no. 7", "--json"))
    assert "reads texts" in found["degraded"][0]["error"]
    assert len(found["items"]) > 0
    assert "too long" in complaint(shop("recommend", "--text", "x" * 1001))


def test_the_items_of_a_running_session_follow_the_history(shop):
    done = slate(shop("recommend", "--session", "t1,t2", "--json"))
    assert not {"t1", "t2"} & {item["item_id"] for item in done["items"]}
