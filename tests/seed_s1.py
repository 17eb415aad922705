"""S1, 一卡通对接流程图: a county's subsidy, from the policy to the evidence, sentence by sentence."""

from tests.seed_table import Heading, Manual, by, case, nothing

BUTTONS = "test_readme.py::test_every_button_leads_to_a_route_that_its_person_may_use"
ROUNDS = "test_flow_rounds.py::test_a_mixed_batch_goes_out_in_its_rounds_until_all_is_accepted"
CORRECTED = "test_flow_rounds.py::test_rejected_lines_are_corrected_and_go_out_again"
MISSING = "test_flow_start.py::test_everything_missing_is_said_at_once"
REFUSED = "test_flow_reviews.py::test_refused_policy_and_indicator_are_changed_and_handed_in_again"
ORDER = "test_readme.py::test_every_button_of_the_source_is_there_in_its_order"

S1 = Manual(
    "s1",
    "一卡通对接流程图",
    (
        Heading("1", "县管理"),
        Heading("1.1", "补贴政策管理"),
        Heading(
            "1.1.1",
            "设置政策单位",
            (
                case(
                    "1",
                    "on the page of policies the county chooses its policy unit",
                    "test_policy_unit.py::test_it_may_be_changed_while_nothing_is_open_and_a_policy_keeps_the_one_it_had",
                ),
                case("2", "at a flow's start the unit goes to the platform"),
            ),
            sentences=2,
        ),
        Heading(
            "1.1.2",
            "上传补贴政策",
            (
                case("1a", "a policy file is uploaded, then it is 待审核 and waits for the platform"),
                by(
                    "1b",
                    "it is one of the current fund year",
                    "test_policy_unit.py::test_a_policy_is_of_the_current_year_and_another_is_warned",
                ),
                case("2a", "once approved nothing more is to be done"),
                by("2b", "one that is refused is uploaded again and waits again", REFUSED),
                case("3", "at a flow's start the policies go to the platform"),
            ),
            sentences=3,
        ),
        Heading("2", "县操作"),
        Heading(
            "2.1",
            "申请录入功能调整",
            (
                case(
                    "1",
                    "a person, on PC and mobile: village, group, phone, bank, account, 户口性质, family, card photo",
                ),
                case("2", "an organization, on PC and mobile: the same without 户口性质 and family"),
            ),
            sentences=2,
        ),
        Heading(
            "2.2",
            "申请编辑、资料审核",
            (
                case("1", "editing has these fields"),
                case("2", "the review of the material has these fields"),
            ),
            sentences=2,
        ),
        Heading("2.3", "指标内容管理"),
        Heading(
            "2.3.1",
            "登记指标内容",
            (
                by("1", "the menu of indicators", ORDER, BUTTONS),
                case("2", "budget unit, project and document are set before anything is registered"),
                case("3", "each by a button of its own, chosen and saved"),
                case("4", "what is chosen from are the platform's own lists"),
                case("5", "then an indicator is registered"),
                case("f1", "figure: the fund year"),
                case("f2", "figure: the document's number"),
                case("f3", "figure: amounts, of which one is the sum and others may be nothing"),
                case("f4", "figure: the unit with its credit code"),
                case(
                    "f5",
                    "figure: the nature of the money",
                    "test_policy_unit.py::test_an_indicators_fund_nature_is_one_of_the_list",
                ),
            ),
            sentences=5,
            figures=5,
        ),
        Heading(
            "2.3.2",
            "提交指标内容",
            (
                case("1", "those that are chosen are submitted and wait for the platform"),
                by("2", "a refused one is changed and handed in again", REFUSED),
            ),
            sentences=2,
        ),
        Heading(
            "2.4",
            "补贴对象管理",
            (by("1", "the menu of beneficiaries", ORDER, BUTTONS),),
            sentences=1,
        ),
        Heading(
            "2.4.1",
            "数据初始化",
            (
                case("1", "possible once an application is publicised"),
                case("2", "people are matched with the platform's, whose review is waited for"),
                by(
                    "3",
                    "while one county of the province has data under review no other may begin",
                    "test_flow_lists.py::test_three_counties_queue_first_come_first_served",
                    "test_flow_lists.py::test_a_county_outside_holds_the_province",
                ),
                nothing("4", "there are these results", "the four that follow"),
                case("5", "匹配成功: id and name fit, and there is an account"),
                case("6a", "the id is there with another name, which is told"),
                case(
                    "6b",
                    "the right name can be read",
                    "test_batches_api.py::test_the_four_results_in_the_words_of_the_source",
                ),
                case("7", "无此对象: there is no such id"),
                case("8", "id and name fit, but there is no account at the bank, which is named"),
            ),
            sentences=8,
        ),
        Heading(
            "2.5",
            "大数据校验",
            (
                case(
                    "1", "a personal application whose settlement material is in is 待结算, then paid by the platform"
                ),
                case("2", "submitted by a menu; the results come later, when the platform has verified"),
            ),
            sentences=2,
        ),
        Heading(
            "2.5.1",
            "提交大数据校验",
            (
                by("1a", "nothing is paid out before it was verified", MISSING),
                case("1b", "a batch is chosen and goes as a whole"),
                case("2", "校验结果 shows the results one by one"),
            ),
            sentences=2,
        ),
        Heading(
            "2.6",
            "补贴公示信息设置",
            (case("1", "for a batch: start date, address and pictures of its publicity"),),
            sentences=1,
        ),
        Heading(
            "2.7a",
            "启动补贴流程",
            (
                case("1", "what is to be paid goes to the platform"),
                by("2", "not before the batch's publicity is set", MISSING),
                case("3", "申请提交 of a chosen batch starts the flow"),
                by("4", "only those that passed the verification are submitted", ROUNDS),
                case("5a", "the platform's review is waited for"),
                by(
                    "5b",
                    "a refused line says why (提交失败原因), is corrected and goes again by 修改申请提交",
                    CORRECTED,
                    "test_flows_api.py::test_lines_are_masked_and_filtered",
                ),
                by("5c", "whatever was at fault can be corrected", CORRECTED),
                by(
                    "6",
                    "of several lines of one person the platform asks back; 确认需发放提交 sends them again",
                    ROUNDS,
                ),
                by("7", "those that failed the verification go by 大数据校验不通过数据提交", ROUNDS),
                case("8a", "one flow a county at a time"),
                case("8b", "it ends when the platform has paid all and says so; then the next may start"),
                case("9a", "once it has started nobody returns an application"),
                case("9b", "nor edits it on the phone"),
                by(
                    "9c",
                    "until it has started an application can be returned, or edited on the phone",
                    "test_application_returns.py::test_from_every_stage_before_the_flow_a_line_comes_back_as_a_draft",
                    "test_application_returns.py::test_an_applicant_may_edit_until_the_start_and_the_edit_is_a_return",
                ),
            ),
            sentences=9,
        ),
        Heading(
            "2.7b",
            "发放汇总审核",
            (
                case("1a", "once started, a flow has a summary: amount, households, towns, banks"),
                case("1b", "it goes to the platform, whose review is waited for; then 确认发放"),
                case(
                    "2",
                    "a list: 年份, 批次, 发放流程状态, 金额, 户数, 乡镇, 银行, 审核状态, 审核意见, 提交状态",
                    "test_summary_list.py::test_filters_pages_and_the_sources_columns_in_excel",
                ),
                case("3", "发放流程状态 is 启动, and 结束 once the platform has told of the end"),
                case("4", "审核 of an active flow: the approval form and an opinion"),
                case("5", "passed, it goes to the platform by 提交"),
            ),
            sentences=5,
        ),
        Heading(
            "2.8",
            "发放结果查询",
            (
                case("1", "what the platform tells of its payments can be looked up"),
                case("2", "each payment in a list, with why it succeeded or failed"),
                case("3a", "once paid, 提交材料 sends the pictures of id card, portrait and invoice"),
                by(
                    "3b",
                    "and so on: which pictures, by kind of applicant and subsidy item",
                    "test_evidence_requirements.py::test_the_administrator_takes_kinds_off_for_an_item_and_one_stays",
                    "test_flow_evidence.py::test_lines_without_photos_are_listed_and_not_sent",
                ),
            ),
            sentences=3,
        ),
    ),
)
