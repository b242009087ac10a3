"""Strict splits leak nothing, and the figures are those of plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from cold_start.protocol import item_cold, measure_items, measure_users, user_cold
from crossrec.errors import DataError


def pairs(rows) -> set[tuple[int, int]]:
    return set(zip(rows.row_of.tolist(), rows.values.tolist(), strict=True))


class TestItemCold:
    def test_every_interaction_is_in_one_part(self, shop):
        data = shop(40, 200)
        split = item_cold(data)
        parts = [
            split.train.sequences,
            split.validation.warm,
            split.validation.cold,
            split.test.warm,
            split.test.cold,
        ]
        together = [pairs(part) for part in parts]
        assert sum(map(len, together)) == len(pairs(data.sequences))
        assert set.union(*together) == pairs(data.sequences)

    def test_cold_items_have_no_training_interaction(self, shop):
        split = item_cold(shop(40, 200))
        assert split.cold.sum() == 8
        assert not split.cold[split.train.sequences.values].any()
        assert not split.cold[split.validation.warm.values].any()
        assert split.cold[split.test.cold.values].all()

    def test_shares(self, shop):
        data = shop(40, 900)
        split = item_cold(data)
        cold = len(split.validation.cold.values), len(split.test.cold.values)
        assert cold[0] == pytest.approx(cold[1], rel=0.15)
        warm = [len(split.validation.warm.values), len(split.test.warm.values)]
        train = len(split.train.interactions)
        total = train + sum(warm)
        assert train / total == pytest.approx(0.8, abs=0.03)
        assert [part / total for part in warm] == pytest.approx([0.1, 0.1], abs=0.02)

    def test_the_seed_decides(self, shop):
        data = shop(40, 100)
        assert (item_cold(data, seed=1).cold == item_cold(data, seed=1).cold).all()
        assert (item_cold(data, seed=1).cold != item_cold(data, seed=2).cold).any()

    def test_nothing_to_hold_out(self, shop):
        with pytest.raises(DataError, match="too few interactions"):
            item_cold(shop(40, 100), share=0.0)


class TestMeasureItems:
    def test_against_a_loop(self, shop):
        data = shop(40, 150)
        split = item_cold(data)
        table = np.random.default_rng(0).random((data.n_users, data.n_items)).astype(np.float32)
        got = measure_items({"x": lambda q: table[q.users]}, split, k=5)["x"]
        recalls: dict[str, list[float]] = {name: [] for name in got}
        for user in range(data.n_users):
            seen = set(split.train.sequences.row(user).tolist())
            if not seen:
                continue
            seen |= set(split.validation.warm.row(user).tolist())
            seen |= set(split.validation.cold.row(user).tolist())
            order = [i for i in np.argsort(-table[user]).tolist() if i not in seen]
            warm, cold = (set(p.row(user).tolist()) for p in (split.test.warm, split.test.cold))
            for group, wanted in (("overall", warm | cold), ("warm", warm), ("cold", cold)):
                if wanted:
                    recalls[group].append(len(wanted & set(order[:5])) / len(wanted))
            for group, wanted, kind in (("cold", cold, True), ("warm", warm, False)):
                among = [i for i in order if split.cold[i] == kind][:5]
                if wanted:
                    found = len(wanted & set(among)) / len(wanted)
                    recalls[f"{group} among {group}"].append(found)
        for group, values in recalls.items():
            assert got[group]["recall@5"] == pytest.approx(np.mean(values)), group
            assert got[group]["users"] == len(values)
            error = np.std(values) / np.sqrt(len(values))
            assert got[group]["recall@5 error"] == pytest.approx(error), group

    def test_the_targets_of_the_validation_part_are_its_own(self, shop):
        split = item_cold(shop(40, 150))

        def oracle(queries):
            scores = np.zeros((len(queries), 40), dtype=np.float32)
            for i, user in enumerate(queries.users):
                scores[i, split.validation.cold.row(user)] = 1
            return scores

        got = measure_items({"x": oracle}, split, part="validation")["x"]
        assert got["cold"]["recall@20"] == got["cold"]["ndcg@20"] == 1.0

    def test_what_is_no_candidate_is_never_found(self, shop):
        split = item_cold(shop(40, 150))
        for nothing in (np.nan, -np.inf):
            found = measure_items(
                {"x": lambda q, v=nothing: np.full((len(q), 40), v, dtype=np.float32)}, split
            )
            assert all(figures["recall@20"] == 0 for figures in found["x"].values())

    def test_fewer_users_are_always_the_same(self, shop):
        split = item_cold(shop(40, 150))
        seen: list[list[int]] = []

        def spy(queries):
            seen.append(queries.users.tolist())
            return np.ones((len(queries), 40), dtype=np.float32)

        measure_items({"a": spy, "b": spy}, split, users=20)
        assert seen[0] == seen[1]
        assert len(seen[0]) == 20


class TestUserCold:
    def test_newcomers_are_no_part_of_the_training(self, shop):
        data = shop(40, 100)
        split = user_cold(data, longest=3)
        assert not np.isin(split.train.interactions.users, split.users).any()
        able = int((data.sequences.lengths > 3).sum())
        assert len(split.users) == round(0.2 * able)
        for at, user in enumerate(split.users):
            row = data.sequences.row(user).tolist()
            assert split.sequences.row(at).tolist() == row[:3]
            assert split.targets.row(at).tolist() == row[3:]

    def test_nobody_is_long_enough(self, shop):
        with pytest.raises(DataError, match="more than 50"):
            user_cold(shop(40, 30), longest=50)

    def test_each_number_shows_so_much_and_the_targets_stay(self, shop):
        split = user_cold(shop(40, 100), longest=3)
        lengths: list[set[int]] = []

        def spy(queries):
            lengths.append(set(queries.history.lengths.tolist()))
            scores = np.zeros((len(queries), 40), dtype=np.float32)
            for i in range(len(queries)):
                scores[i, split.targets.row(i)] = 1.0
            return scores

        got = measure_users({"x": spy}, split, shown=(0, 1, 3))["x"]
        assert lengths == [{0}, {1}, {3}]
        assert [got[count]["recall@10"] for count in (0, 1, 3)] == [1.0, 1.0, 1.0]
        assert len({got[count]["users"] for count in got}) == 1
