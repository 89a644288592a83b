"""The server's side of RFC 5802, every field open to forgery."""
import base64
import hashlib
import hmac
import re
import secrets


def xor(a, b):
    return bytes(x ^ y for x, y in zip(a, b))


class Exchange:
    salt, iterations = b"salt of Verona", 4096

    def __init__(self, conn, request, initial=None):
        self.conn = conn
        name = request.get("mechanism")
        self.hash = {"1": "sha1", "256": "sha256",
                     "512": "sha512"}[name.removesuffix("-PLUS").split("-")[2]]
        first = base64.b64decode(initial or request.text).decode()
        self.gs2, self.bare = re.match(r"((?:n|y|p=[^,]*),[^,]*,)(.*)$",
                                       first).groups()
        self.client_nonce = re.search(r"(?:^|,)r=([^,]+)", self.bare).group(1)
        self.nonce = self.client_nonce + secrets.token_hex(8)

    def server_first(self, nonce=None, salt=None, iterations=None):
        salt = base64.b64encode(self.salt).decode() if salt is None else salt
        return (f"r={self.nonce if nonce is None else nonce},s={salt},"
                f"i={self.iterations if iterations is None else iterations}")

    def challenge(self, text=None):
        """Sends the server-first message; text overrules it."""
        self.first = self.server_first() if text is None else text
        self.conn.challenge(self.first)

    def response(self):
        """Takes the client's proof; returns whether it is right."""
        final = base64.b64decode(self.conn.next_sasl("response").text).decode()
        without, _, proof = final.rpartition(",p=")
        key = hashlib.pbkdf2_hmac(self.hash, self.conn.fake.password.encode(),
                                  self.salt, self.iterations)
        client = hmac.digest(key, b"Client Key", self.hash)
        stored = hashlib.new(self.hash, client).digest()
        message = f"{self.bare},{self.first},{without}".encode()
        signature = hmac.digest(stored, message, self.hash)
        self.verifier = hmac.digest(hmac.digest(key, b"Server Key", self.hash),
                                    message, self.hash)
        self.binding = base64.b64decode(re.search("c=([^,]*)", without).group(1))
        return xor(client, signature) == base64.b64decode(proof)

    def success(self, text=None, inside=None):
        from . import SASL, SASL2
        if text is None:
            text = "v=" + base64.b64encode(self.verifier).decode()
        data = base64.b64encode(text.encode()).decode()
        if inside is None:
            self.conn.send(f"<success xmlns='{SASL}'>{data}</success>")
        else:
            self.conn.send(f"<success xmlns='{SASL2}'><additional-data>{data}"
                           f"</additional-data>{inside}</success>")

    def finish(self, inside=None):
        self.challenge()
        assert self.response(), "the client's proof is wrong"
        assert self.binding.startswith(self.gs2.encode()), self.binding
        self.success(inside=inside)


def hashed_token(token, who, binding=b""):
    """HT-SHA-256-… (draft-schmaus-kitten-sasl-ht-08)"""
    return hmac.digest(token.encode(), who.encode() + binding, "sha256")
