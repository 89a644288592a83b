"""A desktop that shows notifications, on a session bus of its own.

Run as a program it is the service: calls go out as JSON lines, and lines
"SIGNAL ID ACTION-OR-TEXT" come in.
"""
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import time

from rig import PATIENCE, die_with_parent

NAME, PATH = "org.freedesktop.Notifications", "/org/freedesktop/Notifications"


class Desktop:
    """desktop.env: for the program; desktop.expect("Notify"): its next call."""

    def __init__(self, folder, capabilities=("body", "actions", "body-markup")):
        socket = pathlib.Path(folder) / "bus"
        self.bus = subprocess.Popen(
            [shutil.which("dbus-daemon"), "--session", "--nofork",
             "--print-address", f"--address=unix:path={socket}"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            preexec_fn=die_with_parent)
        address = self.bus.stdout.readline().strip()
        self.env = {"DBUS_SESSION_BUS_ADDRESS": address}
        self.service = subprocess.Popen(
            [sys.executable, __file__, *capabilities], text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=dict(os.environ, **self.env), preexec_fn=die_with_parent)
        assert self.service.stdout.readline() == '"ready"\n'
        self.heard = b""

    def expect(self, method, screen, timeout=PATIENCE):
        """The next call; other methods in between are passed over."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            screen.pump()
            fd = self.service.stdout.fileno()
            if select.select([fd], [], [], 0.05)[0]:
                self.heard += os.read(fd, 65536)
            while b"\n" in self.heard:
                line, self.heard = self.heard.split(b"\n", 1)
                call = json.loads(line)
                if call["method"] == method:
                    return call
        raise TimeoutError(f"no {method}")

    def signal(self, *words):
        self.service.stdin.write(" ".join(map(str, words)) + "\n")

    def close(self):
        for process in (self.service, self.bus):
            process.kill()
            process.wait()
            process.stdout.close()
        self.service.stdin.close()


def serve(capabilities):
    import dbus
    import dbus.service
    from dbus.mainloop.glib import DBusGMainLoop
    from gi.repository import GLib

    def say(what):
        print(json.dumps(what), flush=True)

    class Service(dbus.service.Object):
        last = 0

        @dbus.service.method(NAME, in_signature="", out_signature="as")
        def GetCapabilities(self):
            return capabilities

        @dbus.service.method(NAME, in_signature="susssasa{sv}i",
                             out_signature="u")
        def Notify(self, app, replaces, icon, title, body, actions, hints, ms):
            if not replaces:
                Service.last += 1
            number = int(replaces) or Service.last
            say(dict(method="Notify", app=app, replaces=int(replaces),
                     id=number, title=title, body=body,
                     actions=[str(a) for a in actions]))
            return dbus.UInt32(number)

        @dbus.service.method(NAME, in_signature="u")
        def CloseNotification(self, number):
            say(dict(method="CloseNotification", id=int(number)))
            self.NotificationClosed(number, 3)

        @dbus.service.signal(NAME, signature="us")
        def ActionInvoked(self, number, action):
            pass

        @dbus.service.signal(NAME, signature="us")
        def NotificationReplied(self, number, text):
            pass

        @dbus.service.signal(NAME, signature="uu")
        def NotificationClosed(self, number, reason):
            pass

    DBusGMainLoop(set_as_default=True)
    bus = dbus.SessionBus()
    name = dbus.service.BusName(NAME, bus)
    service = Service(bus, PATH)

    def command(*_):
        lines = os.read(0, 65536).decode().splitlines()
        for signal, number, *rest in (line.split(" ", 2) for line in lines):
            if rest:
                getattr(service, signal)(dbus.UInt32(int(number)), rest[0])
            else:
                service.NotificationClosed(dbus.UInt32(int(number)), 2)
        if not lines:
            loop.quit()
        return bool(lines)

    GLib.io_add_watch(sys.stdin.fileno(), GLib.IO_IN | GLib.IO_HUP, command)
    say("ready")
    loop = GLib.MainLoop()
    loop.run()
    del name


if __name__ == "__main__":
    serve(sys.argv[1:])
