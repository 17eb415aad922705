"""人脸识别登录: one attempt to sign in, by app or by QR code, to its result (S2 1.1, 1.2)."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.logins import FaceLoginActivities
    from models.contracts import Subject
    from workflows.options import PROMPT, PROMPT_ASK
    from workflows.run import RowDriven


@workflow.defn
class FaceLoginWorkflow(RowDriven):
    """opening → waiting → scanned → passed | failed | expired; the result comes by itself or by asking."""

    @workflow.run
    async def run(self, subject: Subject) -> str:
        await self._call(FaceLoginActivities.open_face_session, subject, options=PROMPT)
        look = await self._look_by(FaceLoginActivities.look_at_login, subject, otherwise=PROMPT)
        while not look.done or self._woken:
            await self._pause(subject, look.ask_after_seconds)
            if not self._woken:
                await self._ask(subject)
            look = await self._look_by(FaceLoginActivities.look_at_login, subject, otherwise=PROMPT)
        return look.stage

    async def _ask(self, subject: Subject) -> None:
        """A platform that doesn't answer is asked again at the next turn; the look knows when the time is over."""
        await self._question(FaceLoginActivities.ask_face_session, subject, PROMPT_ASK, unanswered=0.0)
