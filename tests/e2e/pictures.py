"""Pictures without a library, and a web server that hands them out."""
import base64
import http.server
import ssl
import struct
import threading
import zlib


def png(cols, rows, color):
    """color(x, y): (red, green, blue, alpha)"""
    raw = b"".join(b"\0" + b"".join(bytes(color(x, y)) for x in range(cols))
                   for y in range(rows))

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))
    return (b"\x89PNG\r\n\x1a\n" +
            chunk(b"IHDR", struct.pack(">IIBBBBB", cols, rows, 8, 6, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def huge_png(side):
    """A header that promises more than there is."""
    whole = png(1, 1, lambda x, y: (0, 0, 0, 255))
    head = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    return (whole[:16] + head + struct.pack(">I", zlib.crc32(b"IHDR" + head)) +
            whole[33:])


def gif_codes(pixels):
    """Of two bits each; cleared so often that codes keep their three bits."""
    bits = "".join("001" * (i % 2 == 0) + f"{p:03b}"[::-1]
                   for i, p in enumerate(pixels)) + "101"
    bits += "0" * (-len(bits) % 8)
    data = bytes(int(bits[i:i + 8][::-1], 2) for i in range(0, len(bits), 8))
    return b"".join(bytes([len(data[i:i + 255])]) + data[i:i + 255]
                    for i in range(0, len(data), 255)) + b"\0"


def gif(cols, rows, images=1, interlaced=False):
    """Red above, blue below; the other way round in all but the first."""
    colors = (255, 0, 0, 0, 0, 255, 0, 255, 0, 0, 0, 0)
    out = b"GIF89a" + struct.pack("<HHBBB", cols, rows, 0x81, 0, 0) + bytes(colors)
    passes = ((0, 8), (4, 8), (2, 4), (1, 2)) if interlaced else ((0, 1),)
    for n in range(images):
        out += b"\x21\xf9\x04\x01\0\0\x03\0," + struct.pack(
            "<HHHHB", 0, 0, cols, rows, 0x40 * interlaced) + b"\x02"
        out += gif_codes([(y >= rows // 2) ^ bool(n) for first, step in passes
                          for y in range(first, rows, step)
                          for x in range(cols)])
    return out + b";"


RED = (255, 0, 0, 255)
BLUE = (0, 0, 255, 255)


def halves(cols=64, rows=48):
    """Red above, blue below."""
    return png(cols, rows, lambda x, y: RED if y < rows // 2 else BLUE)


# The same 32 by 32, as GIF, JPEG and WebP.
GIF = gif(32, 32)
JPEG = base64.b64decode("""
/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAYEBQYFBAYGBQYHBwYIChAKCgkJChQODwwQFxQYGBcUFh
YaHSUfGhsjHBYWICwgIyYnKSopGR8tMC0oMCUoKSj/2wBDAQcHBwoIChMKChMoGhYaKCgoKCgoKCgo
KCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCj/wAARCAAgACADAREAAhEBAx
EB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQID
AAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRk
dISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2
t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQ
AAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEI
FEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2
hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU
1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwDzqvjj+kQoAKACgAoAKACgAoA4Cv
7CP5WCgAoAKACgAoAKACgD/9k=""")
WEBP = base64.b64decode("""
UklGRiYAAABXRUJQVlA4TBoAAAAvH8AHAA8Q87//8x8OBALJ/tIDJBDR/5zHAQ==""")


class Web:
    """https://localhost; files: path → bytes. asked: paths, in order."""

    def __init__(self, ca, files):
        self.asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(handler):
                self.asked.append(handler.path)
                data = files.get(handler.path)
                handler.send_response(200 if data is not None else 404)
                handler.send_header("Content-Length", str(len(data or b"")))
                handler.end_headers()
                handler.wfile.write(data or b"")

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*ca.cert("localhost"))
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       args=(0.05,), daemon=True)
        self.thread.start()

    def url(self, path):
        return f"https://localhost:{self.server.server_port}{path}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
