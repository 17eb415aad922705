"""Every workflow that a worker takes."""

from workflows.account_check import AccountCheckWorkflow
from workflows.after_end import PaymentCorrectionWorkflow
from workflows.application_import import ApplicationImportWorkflow
from workflows.beneficiary_init import BeneficiaryInitWorkflow
from workflows.card_change import CardChangeWorkflow
from workflows.catalog_refresh import CatalogRefreshWorkflow
from workflows.evidence import EvidenceWorkflow
from workflows.face_login import FaceLoginWorkflow
from workflows.indicator_review import IndicatorReviewWorkflow
from workflows.invalidation import AccountEventWorkflow
from workflows.invalidation_list import InvalidationsWorkflow
from workflows.platform_trial import PlatformTrialWorkflow
from workflows.policy_review import PolicyReviewWorkflow
from workflows.register_load import RegisterLoadWorkflow
from workflows.subsidy_flow import SubsidyFlowWorkflow
from workflows.trail_heads import TrailHeadsWorkflow
from workflows.verification import VerificationWorkflow
from workflows.village_entry import VillageEntryWorkflow

WORKFLOWS = (
    AccountEventWorkflow,
    AccountCheckWorkflow,
    ApplicationImportWorkflow,
    BeneficiaryInitWorkflow,
    CardChangeWorkflow,
    CatalogRefreshWorkflow,
    EvidenceWorkflow,
    FaceLoginWorkflow,
    IndicatorReviewWorkflow,
    InvalidationsWorkflow,
    PaymentCorrectionWorkflow,
    PlatformTrialWorkflow,
    PolicyReviewWorkflow,
    RegisterLoadWorkflow,
    SubsidyFlowWorkflow,
    TrailHeadsWorkflow,
    VerificationWorkflow,
    VillageEntryWorkflow,
)
