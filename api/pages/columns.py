"""Columns that many lists have, each in the same words everywhere."""

from api.pages.lists import Column

APPLICATION = Column("申请编号", "Application", "application_no", link="/console/applications/{application_no}")
NAME = Column("姓名", "Name", "name")
ID_NUMBER = Column("证件号", "Id number", "id_number")
TOWN = Column("乡镇", "Town", "town")
VILLAGE = Column("村", "Village", "village")
BANK = Column("开户行", "Bank", "bank")
ACCOUNT = Column("账号", "Account", "account_no", kind="account")
ITEM = Column("补贴项目", "Item", "item")
