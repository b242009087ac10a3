"""`Engine`: the library's front door to one workspace."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crossrec.components.slate import Slate
from crossrec.data.ids import requested_id
from crossrec.pipeline.batch_answers import BatchAnswers
from crossrec.pipeline.languages import checked_language, in_language
from crossrec.pipeline.loading import LoadedPipelines
from crossrec.pipeline.logged_answers import LoggedAnswers
from crossrec.pipeline.people import PeopleCalls
from crossrec.pipeline.pipeline import Pipeline
from crossrec.pipeline.rating import RatingAnswers
from crossrec.pipeline.request import answer
from crossrec.pipeline.request_policies import PolicyChanges, with_policies
from crossrec.pipeline.requested import all_rows, requested
from crossrec.pipeline.rule_answers import RuleAnswers
from crossrec.pipeline.serving import Serving
from crossrec.pipeline.user_states import user_state_of
from crossrec.pipeline.why_not import WhyNotAnswers
from crossrec.plugins.registry import Registry, load_registry
from crossrec.workspace import Workspace

# What only changes a workspace is imported by the calls that change it: answers start faster.
if TYPE_CHECKING:
    from crossrec.components.run import RunOptions
    from crossrec.ingest import IngestOptions, Input
    from crossrec.ingest.report import IngestReport
    from crossrec.pipeline.forgetting import ForgetReceipt
    from crossrec.pipeline.plan import FitPlan
    from crossrec.pipeline.refresh import RefreshReport


class Engine(LoggedAnswers, RatingAnswers, WhyNotAnswers, BatchAnswers, RuleAnswers, PeopleCalls):
    """Fits and answers for all scenarios of a workspace. Safe for many threads.

    Parameters
    ----------
    background : bool
        Whether items that were ingested after the fit are taken in by a thread of their own, as a
        server wants it; where False the call that finds them waits, as a command wants it.
    log : bool
        Whether every answer is written to the decision log, behind the answer. Close the engine, or
        use it in a ``with`` statement, so that the last ones are written too.

    Examples
    --------
    >>> engine = Engine.open("shop")                                      # doctest: +SKIP
    >>> engine.recommend(scenario="ecommerce", user_id="u1", k=10).item_ids  # doctest: +SKIP
    """

    def __init__(
        self,
        workspace: Workspace,
        registry: Registry | None = None,
        *,
        background: bool = True,
        log: bool = False,
    ) -> None:
        super().__init__(workspace, registry or load_registry(), log=log)
        self._pipelines = LoadedPipelines(workspace, self.registry, background=background)

    @classmethod
    def open(cls, path: str | Path, *, background: bool = True, log: bool = False) -> Engine:
        """Open the workspace at `path`; the options are those of the class.

        Raises
        ------
        WorkspaceError
            If there is no workspace.
        """
        return cls(Workspace.open(Path(path)), background=background, log=log)

    @classmethod
    def create(cls, path: str | Path, *, background: bool = True, log: bool = False) -> Engine:
        """Open the workspace at `path`, made there if the folder is absent or empty.

        Raises
        ------
        WorkspaceError
            If the folder holds other things or cannot be written.
        """
        return cls(Workspace.create(Path(path)), background=background, log=log)

    def ingest(
        self,
        scenario: str,
        *,
        items: Input = None,
        events: Input = None,
        users: Input = None,
        options: IngestOptions | None = None,
    ) -> IngestReport:
        """Read items, events and users; bad rows are reported and never stop good ones.

        Each is a path, a list of paths or a pandas DataFrame.

        Raises
        ------
        DataError
            If a file or a table cannot be read as what it was given for.
        """
        from crossrec.ingest import ingest_files

        return ingest_files(
            self.workspace,
            self.registry.scenario(scenario),
            items=items,
            events=events,
            users=users,
            options=options,
        )

    def fit(
        self,
        scenario: str,
        *,
        pipeline_file: Path | None = None,
        backbone: str | None = None,
        run: RunOptions | None = None,
        budget: str | float | None = None,
        memory: str | int | None = None,
        planned: Callable[[FitPlan], None] | None = None,
    ) -> Pipeline:
        """Fit the scenario's pipeline on all its events and publish it.

        A fit that dies leaves the artifact before it serving; the next one with the same data and
        options goes on where it stopped.

        Parameters
        ----------
        pipeline_file : Path, optional
            TOML whose keys replace those of the scenario's default pipeline.
        backbone : str, optional
            Name of a pretrained backbone that becomes one more source; "" for none. None takes the
            one that an installed distribution offers, where there is no `pipeline_file`.
        budget : str or float, optional
            ``"quick"`` (a first answer within a minute), ``"standard"`` or ``"thorough"``, or a
            number of minutes; None takes the effort of `run`, without a limit of time.
        memory : str or int, optional
            The most that one part may need, in bytes or as ``"4GiB"``; 60 % of the machine's where
            None. What needs more is left out and named.
        planned : callable, optional
            Called with the plan before any work.

        Raises
        ------
        UsageError, ConfigError
            For an unknown scenario or a pipeline file that can't be used, or a budget or a memory
            that can't be understood.
        CapacityError
            If the memory allows none of the sources.
        WorkspaceError
            If another process is writing to the workspace.
        """
        from crossrec.pipeline.fit import fit_pipeline
        from crossrec.pipeline.fit_inputs import FitRequest, read_inputs
        from crossrec.pipeline.kept_fits import drop_kept_fits, open_kept_fit
        from crossrec.pipeline.saving import save_pipeline, without_unstorable

        request = FitRequest(pipeline_file, backbone, run, budget, memory)
        limits = request.limits(self.registry, scenario)
        with self.workspace.writing():
            inputs = read_inputs(self.workspace, self.registry, scenario, request)
            plan, inputs = inputs.planned(self.registry, *limits)
            if planned is not None:
                planned(plan)
            cache = self.workspace.cache
            pipeline = fit_pipeline(
                inputs.scenario,
                inputs.dataset,
                inputs.resolved(self.registry),
                inputs.run,
                inputs.notes,
                inputs.stamps,
                self.workspace.executor(),
                plan,
                open_kept_fit(cache, scenario, inputs.run),
            )
            pipeline = without_unstorable(pipeline)
            save_pipeline(pipeline, self.workspace.artifact_path(scenario))
            drop_kept_fits(cache, scenario)
        return pipeline

    def plan(
        self,
        scenario: str,
        *,
        pipeline_file: Path | None = None,
        backbone: str | None = None,
        run: RunOptions | None = None,
        budget: str | float | None = None,
        memory: str | int | None = None,
    ) -> FitPlan:
        """Return what `fit` would do with the same arguments, and raise what it would raise first.

        Nothing is written, and no lock is taken.
        """
        from crossrec.pipeline.fit_inputs import FitRequest, read_inputs

        request = FitRequest(pipeline_file, backbone, run, budget, memory)
        limits = request.limits(self.registry, scenario)
        inputs = read_inputs(self.workspace, self.registry, scenario, request)
        return inputs.planned(self.registry, *limits)[0]

    def refresh(self, scenario: str, *, run: RunOptions | None = None) -> RefreshReport:
        """Learn what came since the last fit or refresh, without a fit, and publish it.

        New items, then new events, then feedback on what was shown; every source and policy as far
        as it can. What serves stays until the new version is complete.

        Raises
        ------
        NotFittedError
            If the scenario was not fitted yet.
        ArtifactError
            If a part of what was fitted cannot be restored here: a new version would lack it.
        WorkspaceError
            If another process is writing to the workspace.
        """
        from crossrec.components.run import RunOptions
        from crossrec.pipeline.refresh import refresh_pipeline
        from crossrec.pipeline.saving import save_pipeline

        known = self.registry.scenario(scenario)
        folder = self.workspace.artifact_path(scenario)
        with self.workspace.writing():
            fitted = self._pipelines.stored(scenario)
            pipeline, report = refresh_pipeline(
                fitted,
                known,
                self.workspace.store(),
                self.workspace.decision_log(),
                run or RunOptions(cache=self.workspace.cache),
            )
            if report.published:
                save_pipeline(pipeline, folder)
        return report

    def forget_user(self, user_id: str) -> ForgetReceipt:
        """Delete everything that the workspace holds of a user, in every scenario.

        Raises
        ------
        WorkspaceError
            If another process is writing to the workspace.
        """
        from crossrec.pipeline.forgetting import forget_user

        self.flush()  # else a decision about the user might be written afterwards
        with self.workspace.writing():
            user = requested_id("user_id", user_id)
            return forget_user(self.workspace, self.registry, user)

    def recommend(
        self,
        scenario: str,
        user_id: str | None = None,
        *,
        history: Sequence[str] | None = None,
        item_ids: Sequence[str] = (),
        entity: tuple[str, str] | None = None,
        row: int = 1,
        session: Sequence[str] = (),
        exclude: Sequence[str] = (),
        cursor: str = "",
        k: int | None = None,
        surface: str | None = None,
        context: Mapping[str, Any] | None = None,
        filter: str = "",
        boost: str = "",
        text: str = "",
        explain: bool = True,
        now: float | None = None,
        language: str | None = None,
        policies: PolicyChanges | None = None,
    ) -> Slate:
        """Recommend `k` items to a user, for a given history, or about items.

        Parameters
        ----------
        user_id : str, optional
            The history is read from the store, with events that came after the fit. What the user
            has banned or consumed holds on every surface, also where `history` is given.
        history : sequence of str, optional
            Item ids, oldest first: a new user is a history. Takes the place of the stored one.
        item_ids : sequence of str
            Items that the list is about ("more like this"), or that are to be put in order.
        entity : (str, str), optional
            A relation or field and its value, ``("genre", "jazz")``: its items alone are listed, or
            stand for it on a surface about items.
        row : int
            Which row of a surface that has several, from 1; `rows` gives all of them.
        session : sequence of str
            Items of the running session, oldest first.
        exclude : sequence of str
            Items that must not be returned.
        cursor : str
            ``next_cursor`` of the page before, requested with the same arguments: the list goes on
            without repeating anything.
        k : int, optional
            The surface's own where None.
        context : mapping, optional
            What is known of the moment: device, country, hour …
        filter, boost : str
            Expressions such as ``"price < 20 and genres in user.favourite_genres"``: only items for
            which the filter is true are returned, and scores are multiplied by the boost.
        text : str
            What is wanted in words, beside the history: items that it describes come first.
        explain : bool
            Whether every item carries its reasons.
        language : str, optional
            Tag of the language that reasons and changes are worded in, by the pipeline's language
            model; what it cannot word stays English and is named in ``degraded``.
        policies : mapping of label to mapping, optional
            Settings of the surface's policies that this request changes; None leaves one out.

        Raises
        ------
        UsageError
            For an unknown scenario, surface or policy, k below 1, one string in place of a list of
            ids, and what is no language, no cursor or no expression.
        NotFittedError
            If the scenario was not fitted yet.
        """
        started = time.perf_counter()
        known = self.registry.scenario(scenario)
        serving = self._pipelines.answering(scenario, surface)
        place, query = requested(
            serving,
            known,
            surface=surface,
            user_id=user_id,
            history=history,
            item_ids=item_ids,
            entity=entity,
            row=row,
            session=session,
            exclude=exclude,
            cursor=cursor,
            k=k,
            context=context,
            now=now,
            filter=filter,
            boost=boost,
            text=text,
        )
        serving = with_policies(serving, place.plan.name, policies)
        wanted = None if language is None else checked_language(language)
        user = user_state_of(self.workspace.store(), known, query, self.registry.scenario)
        slate = answer(
            serving, query, user, place.plan.name, explain=explain, name_sources=self._log
        )
        model = serving.pipeline.resolved.language_model
        if wanted is not None and model is not None:
            slate = in_language(slate, wanted, model)
        return self._logged(slate, user_id, serving.pipeline, started)

    def rows(self, scenario: str, user_id: str | None = None, **request: Any) -> list[Slate]:
        """Recommend all rows of a surface that has several, as `recommend` does each `row`.

        No item stands in two of them; where the history makes no row there is none.
        """
        serving, known = self.serving(scenario), self.registry.scenario(scenario)
        place = requested(serving, known, surface=request.get("surface"))[0]
        ask = partial(self.recommend, scenario, user_id)
        return all_rows(ask, place.plan.config.rows, request)

    def similar(
        self, scenario: str, item_id: str, *, k: int | None = None, explain: bool = True
    ) -> Slate:
        """Recommend `k` items like one item; as many as the surface says where it is None."""
        return self.recommend(scenario, item_ids=(item_id,), k=k, explain=explain)

    def pipeline(self, scenario: str) -> Pipeline:
        """Return the serving pipeline; see `serving`."""
        return self.serving(scenario).pipeline

    def serving(self, scenario: str) -> Serving:
        """Return what requests are answered from; a newer artifact is picked up at the next call.

        So are items that were ingested since the fit, by every source that can take them in, and
        the newest fields of all items. However many threads ask at first, it is loaded once.

        Raises
        ------
        NotFittedError
            If the scenario was not fitted yet.
        """
        return self._pipelines.serving(scenario)
