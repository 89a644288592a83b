"""Other people: slixmpp bots in one background thread."""
import asyncio
import threading
import time
import warnings

warnings.filterwarnings("ignore")
import slixmpp  # noqa: E402

from rig import PATIENCE  # noqa: E402


class Loop:
    """One event loop in one thread for all bots."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda *_: None)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def call(self, coroutine, timeout=20):
        return asyncio.run_coroutine_threadsafe(coroutine,
                                                self.loop).result(timeout)

    def stop(self):
        async def end():
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self.call(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)


class _Client(slixmpp.ClientXMPP):
    def __init__(self, account, resource, loop):
        super().__init__(f"{account.jid}/{resource}", account.password)
        self.loop = loop
        self.auto_authorize = None     # the test decides
        self.auto_subscribe = False
        self.ca_certs = str(account.server.ca.crt)


class Bot:
    """A slixmpp client with blocking methods. stanzas has everything that
    came, in order; wait() looks through it."""

    def __init__(self, loop, account, resource="bot", presence=True,
                 plugins=()):
        self.loop, self.account = loop, account
        self.jid = account.jid
        self.stanzas = []
        self.changed = threading.Condition()
        self.answer = None             # function(message) -> text or None

        async def start():
            self.client = _Client(account, resource, loop.loop)
            for plugin in ("xep_0030", "xep_0199", *plugins):
                self.client.register_plugin(plugin)
            started = loop.loop.create_future()

            async def on_start(_event):
                await self.client.get_roster()
                if presence:
                    self.client.send_presence()
                    await self.client.get_roster()      # as settle()
                if not started.done():
                    started.set_result(True)

            def keep(stanza):
                with self.changed:
                    self.stanzas.append(stanza)
                    self.changed.notify_all()
                if self.answer and isinstance(stanza, slixmpp.Message) and \
                        stanza["type"] in ("chat", "normal") and stanza["body"]:
                    text = self.answer(stanza)
                    if text:
                        stanza.reply(text).send()
                return stanza

            self.client.add_event_handler("session_start", on_start)
            self.client.add_filter("in", keep)
            self.client.connect(("127.0.0.1", account.server.port))
            await asyncio.wait_for(started, 20)
            self.full = self.client.boundjid.full
        loop.call(start(), 30)

    def _do(self, function, *args, **kw):
        async def go():
            return function(*args, **kw)
        return self.loop.call(go())

    def send(self, to, body, id=None, **kw):
        def go():
            message = self.client.make_message(str(to), body, mtype="chat",
                                               **kw)
            if id:
                message["id"] = id
            message.send()
        self._do(go)

    def raw(self, xml):
        self._do(self.client.send_raw, xml)

    def presence(self, show=None, status=None, priority=None, to=None,
                 kind=None):
        self._do(self.client.send_presence, pshow=show, pstatus=status,
                 ppriority=priority, pto=to and str(to), ptype=kind)

    def settle(self):
        """Its server has worked through what it sent."""
        self.roster()

    def roster(self):
        """What the server says now: {jid: (subscription, name, groups)}."""
        async def go():
            await self.client.get_roster()
            return {jid: (item["subscription"], item["name"], item["groups"])
                    for jid, item in self.client.client_roster._jids.items()}
        return self.loop.call(go())

    def archived(self):
        """Ids of the messages in the server's archive, in its order; the
        plugin xep_0313 is needed."""
        async def go():
            pages = self.client["xep_0313"].retrieve(
                iterator=True, rsm={"max": 250})
            return [result["mam_result"]["forwarded"]["stanza"]["id"]
                    async for page in pages
                    for result in page["mam"]["results"]]
        return self.loop.call(go(), 60)

    def wait(self, test, timeout=PATIENCE, since=0):
        """The first stanza for which test(stanza) holds."""
        end = time.monotonic() + timeout
        with self.changed:
            while True:
                for stanza in self.stanzas[since:]:
                    try:
                        if test(stanza):
                            return stanza
                    except (KeyError, TypeError, AttributeError):
                        pass
                left = end - time.monotonic()
                if left <= 0:
                    raise AssertionError(
                        f"{self.jid} did not get it; it got:\n" +
                        "\n".join(map(str, self.stanzas[-10:])))
                self.changed.wait(left)

    def wait_message(self, body=None, timeout=PATIENCE, **kw):
        return self.wait(lambda s: isinstance(s, slixmpp.Message) and
                         (s["body"] == body if body is not None
                          else bool(s["body"])), timeout, **kw)

    def wait_presence(self, kind, frm=None, timeout=PATIENCE, **kw):
        return self.wait(lambda s: isinstance(s, slixmpp.Presence) and
                         s.get_type() == kind and
                         (frm is None or s["from"].bare == str(frm)),
                         timeout, **kw)

    def wait_text(self, text, timeout=PATIENCE, **kw):
        """Any stanza whose XML has this text."""
        return self.wait(lambda s: text in str(s), timeout, **kw)

    def stop(self):
        async def go():
            self.client.abort()
        try:
            self.loop.call(go())
        except Exception:
            pass
