"""S2, “一卡通”换卡流程: a citizen's card, from signing in to the county's desk, sentence by sentence."""

from tests.seed_table import Heading, Manual, by, case, nothing, otherwise

SCREENS = "test_readme.py::test_every_screen_leads_to_a_route_that_its_person_may_use"
ORDER = "test_readme.py::test_every_screen_of_the_card_change_is_there_in_its_order"
MENUS_OF_OTHERS = "a menu of 渝快办, which isn't ours"

S2 = Manual(
    "s2",
    "“一卡通”换卡流程",
    (
        Heading(
            "0",
            "注",
            (
                nothing(
                    "1", "the manual is for reference, who makes the app has the last word", "of the manual itself"
                ),
                nothing("2", "whom to ask in doubt", "of the manual itself"),
            ),
            sentences=2,
        ),
        Heading(
            "1.1",
            "渝快办 APP",
            (
                nothing("1", "where the entry is", MENUS_OF_OTHERS),
                case("2", "whoever enters there is recognised by face first"),
                case("3a", "then sees who is signed in, and the account where there is one"),
                case(
                    "3b",
                    "an account in trouble is called 无效卡",
                    "test_citizen_account.py::test_where_a_card_is_invalid_why_and_since_when_is_said_of_each_county",
                ),
                case("3c", "without an account: 未绑定"),
                case("4", "with one, 变更申请 on the card's face changes it"),
                case("5", "without one, only the village or town can enter it"),
                case("6", "in how many counties the card is in use"),
                case("7", "which ones, when that is clicked"),
                case(
                    "8a",
                    "the change page: counties may be chosen, the new account is filled in",
                    "test_citizen_account.py::test_what_is_asked_for_by_one_card_leaves_out_who_has_the_new_one_already",
                ),
                case("8b", "the authorisation must be ticked"),
                case("8c", "saving validates form and bank"),
                case("8d", "both passed: it goes to review"),
                case("9", "事项办理 shows the card applied for and how far it is"),
                case("10a", "waiting for review there is one change only"),
                case("10b", "and the card's face shows the old account"),
                case("11a", "approved: 事项办理 shows the result"),
                case("11b", "and the card's face the new account"),
                case("12a", "an account that a check finds unusable is cleared from the card's face"),
                by(
                    "12b",
                    "so is the old one where 上卡 fails and it can't be used any more",
                    "test_card_change_flow.py::test_a_failed_one_clears_an_old_account_that_is_gone",
                ),
                by(
                    "12c",
                    "whether somebody asked for the check or it was due",
                    "test_account_checks.py::test_a_tick_walks_the_province_and_the_next_one_is_skipped_meanwhile",
                ),
                case("12d", "系统通知 tells since when (失效时间) and why (错误信息)"),
                otherwise(
                    "12e",
                    "whatever it is that makes the account unusable",
                    "one that is frozen or of another name stays on its face as 无效卡, with why",
                ),
                case("f1", "figure, a person: sex, name, birth date and id, masked"),
                case("f2", "figure, the card's face: bank, whole number, counties in use, 变更申请"),
                case("f3", "figure, below: 事项办理 and 系统通知"),
                case("f4", "figure, unbound: 您尚未绑定“一卡通”账号, and whom to turn to"),
                case("f5", "figure, 区县列表: [code] name, the province's own row too"),
                by(
                    "f6",
                    "figure, 区县列表: [500001] 开发测试1, [500003] 演示",
                    "test_counties.py::test_the_provinces_list_lies_over_the_standard_in_every_answer",
                    "test_counties.py::test_the_local_stack_calls_counties_as_the_seed_does",
                ),
                case("f7", "figure, 变更卡: four starred fields, a reason, the authorisation's words"),
                case("f8", "figure, 变更卡: a number of ten digits under 银行卡"),
                case("f9", "figure, 已办理: bank, account, applied when, county, 申请失败, finished when"),
                case("f10", "figure, 已办理: numbers of 3 and 11 digits failed at once and are listed"),
                case("f11", "figure, 申请中: bank, account, when, county, and 撤销"),
                case("f12", "figure, 系统通知: bank, account, county, 说明, 操作时间"),
            ),
            sentences=12,
            figures=12,
        ),
        Heading(
            "1.2",
            "渝快办 PC 端",
            (
                nothing("1", "where the entry is", MENUS_OF_OTHERS),
                case("2a", "a QR code appears, to be scanned with the app within 300 seconds"),
                case("2b", "and the face recognised there signs in here"),
                case("3a", "signed in, a person sees the own data and the account where there is one"),
                case("3b", "an account in trouble is called 无效卡"),
                case("3c", "without an account that is said"),
                case("4", "with one, 变更申请 changes it"),
                case("5", "without one, only the village or town can enter it"),
                case("6a", "the change page: counties, account, authorisation"),
                case("6b", "validated when saved, by form and bank; then it goes to review"),
                case("7a", "办理中 shows the card applied for"),
                case("7b", "and only one change"),
                case("8", "办理完结 shows the result"),
                case(
                    "f1", "figure, 基本信息: name, sex, birth date and id, masked (its *梅 is **梅 here as in the app)"
                ),
                case("f2", "figure, 账户信息: bank, number, counties by name and code, 卡状态 有效 or 无效"),
                case("f3", "figure, unbound: 您尚未绑定“一卡通”账号, and whom to turn to"),
                by("f4", "figure, the tree: 基本信息, 账号变更, 办理中, 办理完结", ORDER, SCREENS),
                case("f5", "figure, the form: a number of twelve digits"),
                case("f6", "figure, the form: that number under 银行卡"),
                case("f7", "figure, the form: 本人持有账号且同意对当前账号进行状态查询等验证"),
            ),
            sentences=8,
            figures=7,
        ),
        Heading("1.3", "一卡通系统"),
        Heading(
            "1.3.1",
            "换卡查询、审核相关功能模块",
            (
                case("1", "the county's staff look changes up and review them"),
                case("2", "an account has a source, 渝快办"),
                case("3", "by which accounts are told apart and traced"),
                case("4a", "while a change isn't reviewed the account can't be touched"),
                by(
                    "4b",
                    "by no act that touches account, name or id",
                    "test_lock.py::test_each_act_that_the_lock_stops",
                ),
                otherwise(
                    "4c",
                    "nor may anything else be done",
                    "what leaves the account alone goes on: test_lock.py::test_what_the_lock_does_not_stop",
                ),
                case("5a", "approved, the account is changed"),
                case("5b", "and 基本信息 shows the new one"),
                case("6", "not approved, 基本信息 stays as it was"),
                case("f1", "figure, 查询条件: 开户银行, 姓名, 身份证号, 银行账号, 申请人姓名"),
                case("f2", "figure, 显示完结: 是 or 否"),
                case(
                    "f3",
                    "figure, list: 序号, 业务类型, 数据状态, 申请人, 申请时间, 姓名, 身份证号码, 银行名称, 银行账号",
                    "test_card_desk_api.py::test_the_list_goes_to_excel_whole",
                ),
                case("f4", "figure, 变更前 and 变更后: 姓名, 身份证号, 银行账号, 开户行"),
                case("f5", "figure, 审核结果 通过 or 不通过, with 审核意见"),
                nothing("f6", "figure, the buttons 审核, 保存, 关闭", "of a page; the review is a route, played above"),
            ),
            sentences=6,
            figures=6,
        ),
    ),
)
