"""A made-up folder in the form of the Berka bank: three clients, two accounts, all tables."""

import gzip
from pathlib import Path

SMALL = {
    "district": [
        "district_id,district_name,region,num_inhabitants,num_municipalities_gt499,"
        "num_municipalities_500to1999,num_municipalities_2000to9999,num_municipalities_gt10000,"
        "num_cities,ratio_urban,average_salary,unemployment_rate95,unemployment_rate96,"
        "num_entrep_per1000,num_crimes95,num_crimes96",
        "1,Benesov,Central Bohemia,88884,80,26,6,2,5,46.7,8507.00,.67,1.85,132,2159,2674",
        "2,Jesenik,North Moravia,42821,4,13,5,1,3,48.4,8173.00,,7.01,124,,1358",
    ],
    "client": [
        "client_id,birth_date,gender,district_id",
        "1,1990-12-13,F,1",
        "2,1965-02-04,M,1",
        "3,1960-10-09,F,2",
    ],
    "account": [
        "account_id,district_id,create_date,frequency",
        "7,1,2016-03-24,M",
        "8,2,2018-11-20,W",
    ],
    "disp": [
        "disp_id,client_id,account_id,disp_type",
        "1,1,7,O",
        "2,2,7,D",
        "3,3,8,O",
    ],
    "order": [
        "order_id,account_id,bank_to,account_to,amount,category",
        "100,7,YZ,87144583,245.20,HH",
        "101,7,ST,89597016,252.33,LO",
        "102,8,QR,13943797,.80,  ",
    ],
    "loan": [
        "loan_id,account_id,granted_date,amount,duration,payments,status",
        "50,7,2018-08-31,3027.60,12,252.30,C",
    ],
    "card": ["card_id,disp_id,card_type,issued_date", "9,1,G,2018-10-16"],
}


def write_folder(folder: Path, **changed: list[str] | bytes) -> Path:
    """The small folder with some files replaced: by other lines, or by raw bytes of the file."""
    for name, lines in (SMALL | changed).items():
        path = folder / f"{name}.csv.gz"
        if isinstance(lines, bytes):
            path.write_bytes(lines)
        else:
            path.write_bytes(gzip.compress("\n".join([*lines, ""]).encode(), mtime=0))
    return folder


def with_line(name: str, number: int, line: str) -> dict[str, list[str]]:
    """The change that replaces one line (1 is the header) of one file."""
    lines = list(SMALL[name])
    lines[number - 1 : number] = [line]
    return {name: lines}
