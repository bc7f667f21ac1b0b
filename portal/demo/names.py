"""Names, places and titles of the demo: in many scripts, so that nothing works for Latin letters alone.

A name that is not in Latin letters is written ``Мария/Maria``: as people see it, and as its address has it.
"""

from dataclasses import dataclass
from random import Random

from portal.core.types import fold


@dataclass(frozen=True)
class Culture:
    """First and last names that go together, where their bearers live, and how their phone numbers begin."""

    first: tuple[str, ...]
    last: tuple[str, ...]
    zones: tuple[str, ...]
    prefix: str
    locale: str


def _culture(first: str, last: str, zones: str, prefix: str, locale: str) -> Culture:
    return Culture(tuple(first.split()), tuple(last.split()), tuple(zones.split()), prefix, locale)


CULTURES: tuple[Culture, ...] = (
    _culture(
        "Grace Oliver Hannah Daniel Emily Thomas Sophie James Charlotte Samuel Ruth Edward Alice Henry Megan",
        "Whitfield Carter Hughes Thornton Bennett Mitchell Fraser O'Neil Ashworth Harding Doyle Pemberton Lowe Marsh",
        "Europe/London Europe/Dublin", "+44 20", "en",
    ),
    _culture(
        "Maria Jose Angelica Ramon Kristine Paolo Rowena Jericho Liza Marvin Divina Crisanto",
        "Santos Reyes Dela-Cruz Bautista Villanueva Mendoza Pascual Aquino Salazar Navarro Evangelista",
        "Asia/Manila", "+63 2", "en",
    ),
    _culture(
        "Priya अनन्या/Ananya राहुल/Rahul Deepak मीरा/Meera Arjun Kavya विक्रम/Vikram Sneha",
        "Sharma पाटिल/Patil Nair Menon गुप्ता/Gupta Iyer Thomas Chacko Kurian",
        "Asia/Kolkata", "+91 22", "hi",
    ),
    _culture(
        "فاطمة/Fatima محمد/Mohammed ليلى/Layla يوسف/Yusuf Amina Omar نور/Noor خالد/Khalid Hana",
        "الهاشمي/Al-Hashimi حداد/Haddad منصور/Mansour Khalil سعيد/Saeed Rahman البلوشي/Al-Balushi",
        "Asia/Dubai Asia/Riyadh Africa/Cairo", "+971 4", "ar",
    ),
    _culture(
        "小芳/Xiaofang 伟/Wei 丽娜/Lina Jun 志强/Zhiqiang Mei 雪/Xue 浩然/Haoran",
        "王/Wang 李/Li 张/Zhang Chen 刘/Liu 欧阳/Ouyang Lin 黄/Huang",
        "Asia/Shanghai Asia/Singapore", "+86 21", "zh",
    ),
    _culture(
        "Мария/Maria Иван/Ivan Ольга/Olga Дмитрий/Dmitri Наталія/Nataliia Анна/Anna Сергей/Sergei Тарас/Taras",
        "Петрова/Petrova Иванов/Ivanov Шевченко/Shevchenko Кузнецова/Kuznetsova Коваленко/Kovalenko Соколов/Sokolov",
        "Europe/Kyiv Asia/Almaty", "+380 44", "uk",
    ),
    _culture(
        "José Lucía Zoë François Søren Björn Łukasz Şule Żaneta Ángel Inês Günther Chloé Renée",
        "Muñoz Ångström Dvořák Lefèvre Ørsted Núñez Gonçalves Müller Yıldız Świątek Háčková D'Angelo",
        "Europe/Berlin Europe/Madrid Europe/Warsaw Europe/Istanbul", "+49 30", "de",
    ),
    _culture(
        "Chinonso Amara Kwame Thandiwe Tendai Nia Emeka Zanele Kofi Ifeoma Sipho Wanjiru",
        "Okafor Mensah Dlamini Adeyemi Nkosi Mwangi Boateng Chukwu Moyo Kamau Ogunleye",
        "Africa/Lagos Africa/Nairobi Africa/Johannesburg", "+234 1", "en",
    ),
    _culture(
        "Emily Michael Ashley Joshua Brianna Tyler Camila Diego Valentina Mateo Jasmine Noah",
        "Johnson Martinez Williams Garcia Nguyen Anderson Ramirez Walker Rivera Kowalski Washington Jefferson",
        "America/Chicago America/New_York America/Los_Angeles America/Sao_Paulo", "+1 312", "en",
    ),
)  # fmt: skip

THE_LONGEST = (
    "Wolfeschlegelsteinhausenbergerdorff-Featherstonehaugh",
    "Ratsimbazafy-Andriamanantenasoa di San Bartolomeo in Galdo",
)


@dataclass(frozen=True)
class Person:
    first: str
    last: str
    address: str
    """What stands before the @: Latin letters alone."""
    zone: str
    phone: str
    locale: str

    @property
    def full_name(self) -> str:
        return f"{self.first} {self.last}"


def person(random: Random, number: int) -> Person:
    """Somebody; ``number`` makes the address unique."""
    culture = random.choice(CULTURES)
    first, latin_first = _both(random.choice(culture.first))
    last, latin_last = _both(random.choice(culture.last))
    phone = f"{culture.prefix} {random.randrange(10**3):03d} {random.randrange(10**4):04d}"
    address = f"{plain(latin_first)}.{plain(latin_last)}.{number}"
    return Person(first, last.replace("Dela-", "Dela "), address, random.choice(culture.zones), phone, culture.locale)


def _both(name: str) -> tuple[str, str]:
    seen, _, latin = name.partition("/")
    return seen, latin or seen


_LETTERS = str.maketrans({"ø": "o", "ł": "l", "ı": "i"})


def plain(name: str) -> str:
    """``Ørsted`` as an address has it: ``orsted``."""
    return "".join(c for c in fold(name).translate(_LETTERS) if c.isascii() and c.isalnum())


# name, department
JOB_ROLES: tuple[tuple[str, str], ...] = (
    ("Registered Nurse", "Nursing"), ("Doctor", "Medical"), ("ICU Nurse", "Nursing"), ("Midwife", "Nursing"),
    ("Physiotherapist", "Therapy"), ("Pharmacist", "Pharmacy"), ("Radiographer", "Imaging"),
    ("Laboratory Technician", "Laboratory"), ("Care Assistant", "Nursing"), ("Anaesthetist", "Medical"),
    ("Occupational Therapist", "Therapy"), ("Software Engineer", "Technology"), ("Data Analyst", "Technology"),
    ("Accountant", "Finance"), ("Warehouse Supervisor", "Operations"), ("Customer Adviser", "Service"),
)  # fmt: skip

CLIENTS: tuple[str, ...] = (
    "St Brendan's Hospital", "Al Noor Medical City", "Charité am Hafen", "Kingsway NHS Trust", "Clínica São Tomé",
    "Lakeshore Logistics", "Meridian Bank", "北岸医院", "Больница № 7", "Prairie Data Co-operative",
)  # fmt: skip

PROJECTS: tuple[str, ...] = (
    "Winter wards", "New intensive care wing", "Night shift relief", "Paediatric clinic", "Community care north",
    "Theatre team", "Outpatient expansion", "Diagnostics centre", "Maternity unit", "Rehabilitation centre",
)  # fmt: skip

SOURCES: tuple[str, ...] = ("Referral", "Job board", "Careers fair", "Agency", "Website", "Alumni", "LinkedIn")
