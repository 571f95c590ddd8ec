"""Computes every example of formats.md with nothing but the Python standard library, and checks that the page shows the same.

    python3 docs/reference/formats.py          prints the examples
    python3 docs/reference/formats.py --check  fails when the page shows something else

It is a second reading of the formats, so it shares no code with the program.
"""

import base64
import hashlib
import json
import pathlib
import sys

ULID_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def canonical(value) -> bytes:
    """RFC 8785 for what the examples hold: ASCII keys, strings, small integers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def ulid(number: int) -> str:
    return "".join(ULID_ALPHABET[(number >> (5 * place)) & 31] for place in range(25, -1, -1))


def leaf_hash(data: bytes) -> bytes:
    return sha256(b"\x00" + data)


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right)


def root_of(leaves: list) -> bytes:
    """RFC 9162, section 2.1.1: split at the largest power of two below the number of leaves."""
    if not leaves:
        return sha256(b"")
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(root_of(leaves[:split]), root_of(leaves[split:]))


def ed25519_public_and_sign(seed: bytes, message: bytes):
    """RFC 8032, section 6, for the one example of a signature. Slow, and not for secrets."""
    p = 2**255 - 19
    order = 2**252 + 27742317777372353535851937790883648493
    d = -121665 * pow(121666, p - 2, p) % p

    def add(a, b):
        m = (a[1] - a[0]) * (b[1] - b[0]) % p
        n = (a[1] + a[0]) * (b[1] + b[0]) % p
        t = 2 * a[3] * b[3] * d % p
        z = 2 * a[2] * b[2] % p
        e, f, g, h = n - m, z - t, z + t, n + m
        return (e * f % p, g * h % p, f * g % p, e * h % p)

    def multiply(scalar, point):
        result = (0, 1, 1, 0)
        while scalar > 0:
            if scalar & 1:
                result = add(result, point)
            point = add(point, point)
            scalar >>= 1
        return result

    def compress(point):
        inverse = pow(point[2], p - 2, p)
        x, y = point[0] * inverse % p, point[1] * inverse % p
        return (y | ((x & 1) << 255)).to_bytes(32, "little")

    y = 4 * pow(5, p - 2, p) % p
    x_squared = (y * y - 1) * pow(d * y * y + 1, p - 2, p)
    x = pow(x_squared, (p + 3) // 8, p)
    if (x * x - x_squared) % p != 0:
        x = x * pow(2, (p - 1) // 4, p) % p
    if x & 1:
        x = p - x
    base = (x, y, 1, x * y % p)

    digest = hashlib.sha512(seed).digest()
    secret = int.from_bytes(digest[:32], "little") & ((1 << 254) - 8) | (1 << 254)
    public = compress(multiply(secret, base))

    def number(data):
        return int.from_bytes(hashlib.sha512(data).digest(), "little") % order

    nonce = number(digest[32:] + message)
    commitment = compress(multiply(nonce, base))
    answer = (nonce + number(commitment + public + message) * secret) % order
    return public, commitment + answer.to_bytes(32, "little")


def examples() -> dict:
    found = {}

    def show(name: str, value) -> None:
        found[name] = value.decode() if isinstance(value, bytes) else value

    original = b"abc"
    asset = "ast_" + sha256(original).hex()
    show("asset", asset)

    run_number = 0x0190_0000_0000_0000_0000_0000_0000_0001
    run = "run_" + ulid(run_number)
    artifact = "art_" + ulid(run_number) + ".2.0"
    show("run", run)
    show("artifact", artifact)

    claim = {
        "kind": "media.metadata",
        "schema_version": 1,
        "asset_id": asset,
        "span_start_ms": 0,
        "span_end_ms": 40,
        "payload": {"width": 640},
    }
    content_hash = sha256(canonical(claim))
    show("claim", canonical(claim))
    show("content_hash", content_hash.hex())

    config = {"params": {"tags": True}, "profile": "balanced"}
    config_hash = sha256(canonical(config))
    show("config", canonical(config))
    show("config_hash", config_hash.hex())

    inputs = sorted([sha256(original).hex()])
    input_hash = sha256(canonical(inputs))
    show("inputs", canonical(inputs))
    show("input_hash", input_hash.hex())

    lineage = {
        "producer": "media.metadata",
        "producer_version": "1+ffprobe.5.1.6",
        "model_profile": "balanced",
        "config_hash": config_hash.hex(),
        "input_hash": input_hash.hex(),
        "inputs": inputs,
    }
    lineage_hash = sha256(canonical(lineage))
    show("lineage", canonical(lineage))
    show("lineage_hash", lineage_hash.hex())

    work = {
        "config_hash": config_hash.hex(),
        "extractor": "media.metadata",
        "file_time_ns": "1700000000000000000",
        "inputs": inputs,
        "tools": {"ffprobe": "5.1.6"},
        "version": "1",
    }
    show("work", canonical(work))
    show("work_key", sha256(canonical(work)).hex())

    plugin_files = [("extract.py", True, b"print(1)\n"), ("plugin.toml", False, b'name = "a"\n')]
    rows = [[path, executable, sha256(content).hex()] for path, executable, content in sorted(plugin_files)]
    files_digest = sha256(canonical(rows)).hex()
    show("plugin_files", canonical(rows))
    show("files_digest", files_digest)
    show("plugin_version", "1.0+sha256." + files_digest)

    leaf = {
        "record_id": artifact,
        "kind": "media.metadata",
        "schema_version": 1,
        "admission": "new",
        "commitment": content_hash.hex(),
        "lineage_hash": lineage_hash.hex(),
        "run": run,
    }
    first = leaf_hash(canonical(leaf))
    show("leaf", canonical(leaf))
    show("leaf_hash", first.hex())

    outside = {
        "record_id": "note-1",
        "kind": "note",
        "schema_version": 1,
        "admission": "new",
        "commitment": sha256(b"what it claims").hex(),
    }
    second = leaf_hash(canonical(outside))
    show("leaf_outside", canonical(outside))
    show("leaf_outside_hash", second.hex())

    leaves_root = root_of([first, second])
    show("leaves_root", leaves_root.hex())
    listed = sorted([sha256(b"abc"), sha256(b"")])
    show("lot", sha256((1).to_bytes(8, "big") + sha256(b"abc")).hex())
    show("list_digest", sha256(b"".join(listed)).hex())

    heads = []
    for batch, first_seq, count, at_us, batch_root in [
        (1, 1, 2, 1735689600000000, leaves_root),
        (2, 3, 1, 1735689600002000, first),
        (3, 4, 1, 1735689600004000, second),
    ]:
        head = {"batch": batch, "first_seq": first_seq, "count": count, "at_us": at_us, "leaves_root": batch_root.hex()}
        heads.append(leaf_hash(canonical(head)))
        if batch == 1:
            show("head", canonical(head))
            show("head_leaf", heads[0].hex())
    root = root_of(heads)
    show("root_after_1", root_of(heads[:1]).hex())
    show("root_after_3", root.hex())

    seed = bytes(range(32))
    text = f"exhibit\n3\n{base64.b64encode(root).decode()}\n"
    public, signature = ed25519_public_and_sign(seed, text.encode())
    key_id = sha256(b"exhibit\n\x01" + public)[:4]
    show("key", f"exhibit+{key_id.hex()}+{base64.b64encode(bytes([1]) + public).decode()}")
    show("checkpoint", text + f"\n\u2014 exhibit {base64.b64encode(key_id + signature).decode()}\n")
    return found


def main() -> int:
    found = examples()
    if sys.argv[1:] != ["--check"]:
        for name, value in found.items():
            print(f"{name}:\n{value}\n")
        return 0
    page = pathlib.Path(__file__).with_name("formats.md").read_text(encoding="utf-8")
    missing = [name for name, value in found.items() if value.rstrip("\n") not in page]
    for name in missing:
        print(f"formats.md does not show {name}: {found[name]}", file=sys.stderr)
    print(f"{len(found) - len(missing)} of {len(found)} examples are as computed")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
