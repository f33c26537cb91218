"""A staff tool with SQLAlchemy models, and a guard before them: `python guard_sqlalchemy.py ADDRESS TOKEN`."""

import sys

from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from whosaw.client import Client, guard


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str]


customers = guard(Customer, "customer", {"email": "customer.email"})

engine = create_engine("sqlite://")
Base.metadata.create_all(engine)


def main(address: str, token: str) -> None:
    with Session(engine) as session:
        session.add(Customer(id="C-1", email="ada.moreau@mail.example"))
        session.commit()
    with Session(engine) as session, Client(address, token) as door:
        customer = session.get_one(Customer, "C-1")
        print("before:", customer.email)
        customers.disclose(door, customer, ["email"], "ticket:T-1")
        print("after: ", customer.email)


if __name__ == "__main__":
    main(*sys.argv[1:3])
