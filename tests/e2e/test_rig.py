"""The instruments themselves, checked against each other: a fake server that
a correct client could not use would prove nothing."""
import threading

import pytest

import peers
from rig import Account


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN"])
def test_fake_serves_a_correct_client(fake, loop, mechanism):
    account = Account(fake, fake.bare, fake.password)
    got = []

    def serve():
        c = fake.accept()
        c.starttls()
        got.append(c.auth([mechanism]))
        c.bind()
        c.online()
        c.send(f"<message from='bob@b.tld/x' to='{c.jid}' type='chat'>"
               "<body>hi</body></message>")
        c.settle()
        got.append("settled")

    thread = threading.Thread(target=serve)
    thread.start()
    bot = peers.Bot(loop, account)
    try:
        assert bot.wait_message("hi")["from"].bare == "bob@b.tld"
        thread.join(20)
        assert got == [mechanism, "settled"]
    finally:
        bot.stop()


def test_two_domains_are_federated(pair, bots):
    juliet, romeo = bots(pair.a.account("juliet")), bots(pair.b.account("romeo"))
    juliet.send(romeo.jid, "Art thou not Romeo?")
    assert romeo.wait_message("Art thou not Romeo?")["from"].bare == juliet.jid
    romeo.send(juliet.full, "Neither, fair saint")
    juliet.wait_message("Neither, fair saint")


def test_ejabberd_serves_a_correct_client(ejabberd, bots):
    a, b = bots(ejabberd.take()), bots(ejabberd.take())
    a.send(b.jid, "hi")
    b.wait_message("hi")
