"""补贴流程: a county pays one settlement batch through the platform, to the last payment (S1 2.7, 2.8)."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.flows import FlowActivities
    from activities.orders import OrderActivities
    from models.contracts import DatasetRef, FlowLook, NextOrder, Subject
    from models.words.stages import FlowStage, OrderKind, SummaryStage
    from workflows.options import CALL, PUSH
    from workflows.run import RowDriven

START = "start"


@workflow.defn
class SubsidyFlowWorkflow(RowDriven):
    """start → rounds until every line is settled → county review → platform review → 确认发放 → payments → end."""

    @workflow.run
    async def run(self, subject: Subject) -> str:
        look = await self._start(subject)
        while not look.done or self._news:
            await self._next_step(subject, look)
            look = await self._look(subject)
        return look.stage

    async def _next_step(self, subject: Subject, look: FlowLook) -> None:
        """What the rows say has to be done now; nothing of it is done twice, so a run may begin again anywhere."""
        if look.done:
            return
        if look.open_dataset is not None and not look.dataset_committed:
            await self._hand_over(subject, look.open_dataset)
        elif look.next_order is not None:
            await self._carry_out(subject, look.next_order)
        elif look.sendable_lines and look.open_dataset is None:
            await self._send_round(subject, await self._locally_first(OrderActivities.open_round, subject))
        elif look.empty:
            await workflow.execute_activity_method(OrderActivities.cancel_flow, args=[subject, None], **CALL)
        elif look.summary_stage is SummaryStage.COUNTY_PASSED and look.summary_handed_in:
            await workflow.execute_activity_method(FlowActivities.submit_summary, subject, **CALL)
        elif look.summary_stage is SummaryStage.APPROVED and look.payment_confirmed:
            await workflow.execute_activity_method(FlowActivities.confirm_payment, subject, **CALL)
        else:
            await self._wait(subject, look)

    async def _start(self, subject: Subject) -> FlowLook:
        """Start at the platform; a county taken by another flow is waited for, and may be called off meanwhile."""
        look = await self._look(subject)
        while not (look.started or look.done):
            if look.stage == FlowStage.WAITING_COUNTY and look.next_order is not None:
                await self._before_start(subject, look.next_order)
            elif left := self._left(START):
                await self._pause(subject, left)
            else:
                result = await workflow.execute_activity_method(FlowActivities.start_flow, subject, **CALL)
                self._leave(START, result.try_again_seconds)
            look = await self._look(subject)
        return look

    async def _before_start(self, subject: Subject, order: NextOrder) -> None:
        if order.kind is OrderKind.CANCELLATION:
            await self._locally_first(FlowActivities.call_off, subject)
        else:
            await self._carry_out(subject, order)

    async def _send_round(self, subject: Subject, dataset: DatasetRef | None) -> None:
        if dataset is not None:
            await self._hand_over(subject, dataset)

    async def _carry_out(self, subject: Subject, order: NextOrder) -> None:
        """修改, 确认需发放, 校验不通过数据, 补发, 撤回, 撤销: entered, confirmed, now done."""
        if order.kind is OrderKind.WITHDRAWAL:
            await workflow.execute_activity_method(OrderActivities.withdraw_lines, args=[subject, order], **PUSH)
        elif order.kind is OrderKind.CANCELLATION:
            await workflow.execute_activity_method(OrderActivities.cancel_flow, args=[subject, order], **CALL)
        else:
            await self._send_round(subject, await self._open_ordered(subject, order))

    async def _open_ordered(self, subject: Subject, order: NextOrder) -> DatasetRef | None:
        opening = OrderActivities.open_ordered_round
        if order.kind is OrderKind.MODIFIED:  # the bank is asked about new accounts first
            return await workflow.execute_activity_method(opening, args=[subject, order], **CALL)
        return await self._locally_first(opening, subject, order)

    async def _look(self, subject: Subject) -> FlowLook:
        self._news.clear()
        look = await self._locally_first(FlowActivities.look_at_flow, subject)
        self._enter(subject, look)
        return look
