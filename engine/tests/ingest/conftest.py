import pytest
from crossrec.scenario import EventType, ItemField, ItemSchema, Scenario, Surface, UserField
from crossrec.workspace import Workspace


@pytest.fixture
def shop():
    return Scenario(
        name="shop",
        summary="",
        events=(
            EventType("view", strength=1.0, aliases=("click",)),
            EventType("purchase", strength=5.0, value="money"),
            EventType("rating", strength=3.0, value="rating", value_range=(1, 5)),
        ),
        items=ItemSchema(
            fields=(
                ItemField("title", "text", ("name",)),
                ItemField("categories", "category", ("genres",)),
                ItemField("price", "number"),
            ),
            text_template="{title}. {categories}",
        ),
        surfaces=(Surface("home"),),
        pipeline="",
        default_event="view",
        main_surface="home",
        users=(
            UserField("favourites", "category", ("likes",)),
            UserField("is_kids", "flag", ("kids_profile",)),
            UserField("joined", "time"),
            UserField("points", "number"),
        ),
    )


@pytest.fixture
def workspace(tmp_path):
    workspace = Workspace.create(tmp_path / "ws")
    yield workspace
    workspace.close()


@pytest.fixture
def write(tmp_path):
    def write(name, *lines):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def stored():
    """Return a scenario's events as tuples of ids, type, time and weight, in stored order."""

    def stored(workspace, scenario):
        dataset = workspace.dataset(scenario)
        users, items = dataset.users, dataset.catalog.items
        events = workspace.store().events(scenario)
        return [
            (users.id(user), items.id(item), scenario.events[type_].name, time, weight)
            for user, item, type_, time, weight in zip(
                events.users.tolist(),
                events.items.tolist(),
                events.types.tolist(),
                events.times.tolist(),
                events.weights.tolist(),
                strict=True,
            )
        ]

    return stored
