"""The part of `Engine` that changes rules without a fit, and shows beforehand what they do."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from crossrec.errors import UsageError
from crossrec.pipeline.loading import LoadedPipelines
from crossrec.pipeline.serving import Serving
from crossrec.plugins.registry import Registry
from crossrec.workspace import Workspace

if TYPE_CHECKING:
    from crossrec.pipeline.rule_preview import RulePreview


class RuleAnswers(ABC):
    """Puts rules of a pipeline file into what serves."""

    workspace: Workspace
    registry: Registry
    _pipelines: LoadedPipelines

    @abstractmethod
    def serving(self, scenario: str) -> Serving:
        """Return what requests are answered from."""

    def apply_rules(self, scenario: str, pipeline_file: Path) -> tuple[str, ...]:
        """Publish what was fitted with the rules of a file; the next request obeys them.

        Rules are the keys ``policies``, ``filter`` and ``boost``, and of a surface ``k`` and
        ``fallback`` too. Other keys may stand in the file where they say what serves.

        Returns
        -------
        tuple of str
            The rules that changed, as ``surfaces.home.policies``; nothing is written where none
            did.

        Raises
        ------
        NotFittedError
            If the scenario was not fitted yet.
        ConfigError, UsageError
            If the file cannot be used or changes what needs a fit: nothing is written.
        ArtifactError
            If a part of what was fitted cannot be restored here: a new version would lack it.
        WorkspaceError
            If another process is writing to the workspace.
        """
        from crossrec.components.live_items import LiveItems
        from crossrec.pipeline.conditions import check_conditions
        from crossrec.pipeline.refresh import refuse_incomplete
        from crossrec.pipeline.rule_changes import changed_rules, config_with_rules, with_rules
        from crossrec.pipeline.saving import save_pipeline

        known = self.registry.scenario(scenario)
        with self.workspace.writing():
            fitted = self._pipelines.stored(scenario)
            config = config_with_rules(fitted.config, pipeline_file, scenario)
            rules = changed_rules(fitted.config, config)
            if rules:
                refuse_incomplete(fitted)
                pipeline = with_rules(fitted, config, self.registry)
                items = LiveItems(pipeline.catalog, known.items)
                check_conditions((one.plan for one in pipeline.surfaces.values()), items)
                save_pipeline(pipeline, self.workspace.artifact_path(scenario))
        return rules

    def preview_rules(
        self,
        scenario: str,
        pipeline_file: Path,
        *,
        surface: str | None = None,
        users: int = 100,
        user_ids: Sequence[str] = (),
        seed: int = 0,
        now: float | None = None,
    ) -> RulePreview:
        """Answer by the rules that serve and by those of a file, and compare; nothing is written.

        Parameters
        ----------
        surface : str, optional
            The scenario's main one where None.
        users : int
            So many users are tried, or items on a surface about items.
        user_ids : sequence of str
            These users instead.
        seed : int
            Which users are drawn.

        Raises
        ------
        NotFittedError, ConfigError, UsageError
            As `apply_rules`, and for a surface that the pipeline does not have.
        """
        from crossrec.pipeline.rule_changes import (
            changed_rules,
            config_with_rules,
            serving_with_rules,
        )
        from crossrec.pipeline.rule_preview import RulePreview, compared, subjects_of

        known, old = self.registry.scenario(scenario), self.serving(scenario)
        config = config_with_rules(old.pipeline.config, pipeline_file, scenario)
        new = serving_with_rules(old, config, self.registry)
        name = surface or old.pipeline.resolved.main
        if name not in new.pipeline.surfaces:
            have = ", ".join(new.pipeline.surfaces)
            raise UsageError(f"scenario {scenario!r} has no surface {name!r}: it has {have}")
        plan = new.pipeline.surfaces[name].plan
        if users < 1:
            raise UsageError(f"users is {users}: try at least one")
        if user_ids and (plan.about_items or plan.config.input == "nothing"):
            raise UsageError(f"lists of surface {name!r} are about no user: leave users out")
        store = self.workspace.store()
        subjects = tuple(user_ids) or subjects_of(old, store, name, users, seed)
        lists = compared(
            old, new, store, known, name, subjects, time.time() if now is None else now
        )
        rules = changed_rules(old.pipeline.config, config)
        return RulePreview(scenario, name, plan.config.k, rules, lists)
