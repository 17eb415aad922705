"""补贴流程: a county pays one settlement batch through the platform, to the last payment (S1 2.7, 2.8)."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.flows import FlowActivities
    from activities.orders import OrderActivities
    from models.contracts import DatasetRef, FlowLook, FlowStep, NextOrder, Subject
    from models.words.stages import OrderKind
    from workflows.options import PUSH
    from workflows.run import RowDriven

START = "start"


@workflow.defn
class SubsidyFlowWorkflow(RowDriven):
    """start → rounds until every line is settled → county review → platform review → 确认发放 → payments → end."""

    @workflow.run
    async def run(self, subject: Subject) -> str:
        look = await self._look_by(FlowActivities.look_at_flow, subject)
        while not look.done or self._woken:
            await self._take_step(subject, look)
            look = await self._look_by(FlowActivities.look_at_flow, subject)
        return look.stage

    async def _take_step(self, subject: Subject, look: FlowLook) -> None:
        """What the rows say has to be done now; nothing of it is done twice, so a run may begin again anywhere."""
        match look.step:
            case FlowStep.START:
                await self._start(subject)
            case FlowStep.CALL_OFF:
                await self._locally_first(FlowActivities.call_off, subject)
            case FlowStep.HAND_OVER:
                await self._send(subject, look.dataset)
            case FlowStep.SEND_ROUND:
                await self._send(subject, await self._locally_first(OrderActivities.open_round, subject))
            case FlowStep.SEND_ORDERED:
                await self._send(subject, await self._open_ordered(subject, look.order))
            case FlowStep.WITHDRAW:
                await self._call(OrderActivities.withdraw_lines, subject, look.order, options=PUSH)
            case FlowStep.CANCEL:
                await self._call(OrderActivities.cancel_flow, subject, look.order)
            case FlowStep.SUBMIT_SUMMARY:
                await self._call(FlowActivities.submit_summary, subject)
            case FlowStep.CONFIRM_PAYMENT:
                await self._call(FlowActivities.confirm_payment, subject)
            case FlowStep.WAIT:
                await self._wait(subject, look)
            case FlowStep.END:
                pass  # something came while the books were closed: the next look sees it

    async def _start(self, subject: Subject) -> None:
        """A county taken by another flow is waited for, whatever else comes; a cancellation calls the flow off."""
        if left := self._seconds_left(START):
            await self._pause(subject, left)
            return
        result = await self._call(FlowActivities.start_flow, subject)
        self._leave_alone(START, result.try_again_seconds)

    async def _send(self, subject: Subject, dataset: DatasetRef | None) -> None:
        """None: the lines of the round have all gone another way."""
        if dataset is not None:
            await self._hand_over(subject, dataset)

    async def _open_ordered(self, subject: Subject, order: NextOrder | None) -> DatasetRef | None:
        """修改, 确认需发放, 校验不通过数据, 补发: entered, confirmed, now done."""
        if order is not None and order.kind is OrderKind.MODIFIED:  # the bank is asked about new accounts first
            return await self._call(OrderActivities.open_ordered_round, subject, order)
        return await self._locally_first(OrderActivities.open_ordered_round, subject, order)
