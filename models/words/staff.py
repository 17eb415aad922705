"""The county's staff in words: roles, states, the steps of a sign-in and how a session ends."""

from models.words.labelled import Labelled


class Role(Labelled):
    COUNTY_ADMIN = "county_admin", "县管理"
    OPERATOR = "operator", "县操作员"
    REVIEWER = "reviewer", "审核人"
    APPLICANT = "applicant", "申请人"
    OPS = "ops", "运维"
    AUDITOR = "auditor", "审计"


class PersonState(Labelled):
    """Of the county's staff; only who is active acts."""

    INVITED = "invited", "已邀请"
    ACTIVE = "active", "正常"
    LOCKED = "locked", "已锁定"
    STOPPED = "stopped", "已停用"


class SignInStep(Labelled):
    """What is asked next of somebody who signs in."""

    PASSWORD = "password", "设置密码"
    ENROL = "enrol", "绑定验证器"
    CODE = "code", "输入验证码"
    BIND = "bind", "绑定统一身份认证"
    ROLE = "role", "选择身份"


class PersonChangeKind(Labelled):
    """What of a person a second administrator confirms."""

    INVITATION = "invitation", "邀请"
    ROLES = "roles", "变更角色"
    RESET = "reset", "重置登录"


class SessionEnd(Labelled):
    """Why a session of staff, or a citizen's, is over."""

    SIGNED_OUT = "signed_out", "已退出"
    IDLE = "idle", "长时间未操作"
    LONGEST = "longest", "登录已满最长时间"
    ELSEWHERE = "elsewhere", "已在别处登录"
    LOCKED = "locked", "已被锁定或停用"
    CHANGED = "changed", "人员的状态、角色或密码已变更"
