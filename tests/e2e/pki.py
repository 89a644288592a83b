"""A certificate authority in a folder, by the openssl command."""
import pathlib
import subprocess

# Extensions of RFC 6120 s. 13.7.1.2: names a server certificate may carry.
DNS = "DNS:%s"
SRV = "otherName:1.3.6.1.5.5.7.8.7;IA5STRING:%s"
XMPP = "otherName:1.3.6.1.5.5.7.8.5;UTF8:%s"


def openssl(*argv, data=None):
    return subprocess.run(["openssl", *argv], input=data, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


class CA:
    """ca.crt is the authority; cert() makes (certificate, key) files."""

    def __init__(self, folder):
        self.dir = pathlib.Path(folder)
        self.dir.mkdir(parents=True, exist_ok=True)
        self.crt, self.key = self.dir / "ca.crt", self.dir / "ca.key"
        self.count = 0
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(self.key),
                "-out", str(self.crt), "-days", "3", "-subj",
                "/CN=Verona test authority", "-addext",
                "basicConstraints=critical,CA:TRUE", "-addext",
                "keyUsage=critical,keyCertSign,cRLSign")

    def cert(self, *names, cn="Verona test server", rsa=None, signed=True,
             start=None, end=None, san=None):
        """names are subjectAltName entries (a bare word: a DNS name); san is
        the whole extension as openssl wants it. start and end are
        YYYYMMDDHHMMSSZ."""
        self.count += 1
        base = self.dir / f"server{self.count}"
        key, csr, crt, ext = (base.with_suffix(s)
                              for s in (".key", ".csr", ".crt", ".ext"))
        kind = (["rsa:%d" % rsa] if rsa else
                ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"])
        openssl("req", "-new", "-newkey", *kind, "-nodes", "-keyout", str(key),
                "-out", str(csr), "-subj", f"/CN={cn}")
        entries = san or ",".join(n if ":" in n else DNS % n for n in names)
        ext.write_text("[x]\nbasicConstraints=critical,CA:FALSE\n"
                       "extendedKeyUsage=serverAuth,clientAuth\n" +
                       (f"subjectAltName={entries}\n" if entries else ""))
        if not signed:
            openssl("x509", "-req", "-in", str(csr), "-signkey", str(key),
                    "-out", str(crt), "-days", "3", "-extfile", str(ext),
                    "-extensions", "x")
        else:
            self._sign(csr, crt, ext, start, end)
        key.chmod(0o600)
        return str(crt), str(key)

    def _sign(self, csr, crt, ext, start, end):
        conf = self.dir / "ca.cnf"
        if not conf.exists():
            conf.write_text(
                f"[ca]\ndefault_ca=d\n[d]\ndatabase={self.dir}/index\n"
                f"rand_serial=yes\nnew_certs_dir={self.dir}\n"
                f"certificate={self.crt}\nprivate_key={self.key}\n"
                "default_md=sha256\ndefault_days=3\npolicy=p\n"
                "unique_subject=no\n[p]\ncommonName=supplied\n")
            (self.dir / "index").write_text("")
        openssl("ca", "-batch", "-notext", "-config", str(conf), "-in",
                str(csr), "-out", str(crt), "-extfile", str(ext),
                "-extensions", "x",
                *(["-startdate", start] if start else []),
                *(["-enddate", end] if end else []))
