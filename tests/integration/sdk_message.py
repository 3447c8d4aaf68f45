"""sdk_message: AWS Encryption SDK messages, made and opened after its specification.

    https://github.com/awslabs/aws-encryption-sdk-specification (data-format/, client-apis/)

All suites, framed or not. AES-GCM is OpenSSL's libcrypto, by ctypes; signatures are openssl's.
That real SDKs read and write the same is seen by tests/unit/aws/sdk_messages.json.
"""
import base64
import collections
import ctypes
import ctypes.util
import hashlib
import hmac
import os
import pathlib
import struct
import subprocess
import tempfile

crypto = ctypes.CDLL(ctypes.util.find_library('crypto'))
for name in ('EVP_CIPHER_CTX_new', 'EVP_aes_128_gcm', 'EVP_aes_192_gcm', 'EVP_aes_256_gcm'):
    getattr(crypto, name).restype = ctypes.c_void_p
GET_TAG, SET_TAG = 0x10, 0x11
KEY_SIZES = {0x0014: 16, 0x0046: 24, 0x0078: 32, 0x0114: 16, 0x0146: 24, 0x0178: 32,
             0x0214: 16, 0x0346: 24, 0x0378: 32, 0x0478: 32, 0x0578: 32}
SIGNED = (0x0214, 0x0346, 0x0378, 0x0578)
PUBLIC_KEY = 'aws-crypto-public-key'


def gcm(key, nonce, aad, data, tag=None):
    """(sealed, tag), or the plaintext when a tag is given; ValueError when that is wrong."""
    cipher = ctypes.c_void_p(getattr(crypto, f'EVP_aes_{len(key) * 8}_gcm')())
    ctx = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    kind = 'Encrypt' if tag is None else 'Decrypt'
    out, size = ctypes.create_string_buffer(len(data) + 16), ctypes.c_int()
    update = getattr(crypto, f'EVP_{kind}Update')
    try:
        assert getattr(crypto, f'EVP_{kind}Init_ex')(ctx, cipher, None, key, nonce) == 1
        assert update(ctx, None, ctypes.byref(size), aad, len(aad)) == 1
        if data:
            assert update(ctx, out, ctypes.byref(size), data, len(data)) == 1
        if tag is not None:
            assert crypto.EVP_CIPHER_CTX_ctrl(ctx, SET_TAG, 16, tag) == 1
        rest = ctypes.create_string_buffer(16)
        if getattr(crypto, f'EVP_{kind}Final_ex')(ctx, rest, ctypes.byref(size)) != 1:
            raise ValueError('the tag is wrong')
        if tag is not None:
            return out.raw[:len(data)]
        made = ctypes.create_string_buffer(16)
        assert crypto.EVP_CIPHER_CTX_ctrl(ctx, GET_TAG, 16, made) == 1
        return out.raw[:len(data)], made.raw
    finally:
        crypto.EVP_CIPHER_CTX_free(ctx)


def hkdf(digest, key, salt, info, size):
    extracted = hmac.new(salt or bytes(hashlib.new(digest).digest_size), key, digest).digest()
    out, block = b'', b''
    while len(out) < size:
        block = hmac.new(extracted, block + info + bytes([len(out) // len(extracted) + 1]),
                         digest).digest()
        out += block
    return out[:size]


def derived(suite, key, message_id):
    """(key of header and body, commitment)"""
    if suite < 0x0100:
        return key, b''
    if suite >= 0x0400:
        return (hkdf('sha512', key, message_id, struct.pack('>H', suite) + b'DERIVEKEY', 32),
                hkdf('sha512', key, message_id, b'COMMITKEY', 32))
    return hkdf('sha384' if suite >= 0x0300 else 'sha256', key, b'',
                struct.pack('>H', suite) + message_id, KEY_SIZES[suite]), b''


# A curve's name, its hash, and what stands before a compressed point in a DER public key.
CURVES = {256: ('P-256', 'sha256', '3039301306072a8648ce3d020106082a8648ce3d030107032200'),
          384: ('P-384', 'sha384', '3046301006072a8648ce3d020106052b81040022033200')}


def curve_of(suite):
    return CURVES[256 if suite == 0x0214 else 384]


def openssl(*words, data=b''):
    done = subprocess.run(['openssl', *words], input=data, capture_output=True)
    return done.stdout if done.returncode == 0 else None


class Signer:
    """A key pair for one message; `point` goes into its context."""

    def __init__(self, suite):
        self.name, self.hash, _ = curve_of(suite)
        self.pem = openssl('genpkey', '-algorithm', 'EC', '-pkeyopt',
                           f'ec_paramgen_curve:{self.name}')
        der = openssl('ec', '-pubout', '-outform', 'DER', '-conv_form', 'compressed',
                      data=self.pem)
        self.point = base64.b64encode(der[-(33 if self.name == 'P-256' else 49):]).decode()

    def sign(self, data):
        with tempfile.NamedTemporaryFile() as key:
            key.write(self.pem)
            key.flush()
            return openssl('dgst', '-' + self.hash, '-sign', key.name, data=data)


def signature_proves(suite, point, signature, data):
    _, digest, prefix = curve_of(suite)
    der = bytes.fromhex(prefix) + base64.b64decode(point)
    with tempfile.TemporaryDirectory() as folder:
        key, proof = pathlib.Path(folder) / 'key', pathlib.Path(folder) / 'proof'
        key.write_bytes(der)
        proof.write_bytes(signature)
        return openssl('dgst', '-' + digest, '-keyform', 'DER', '-verify', str(key), '-signature',
                       str(proof), data=data) is not None


def sized(data):
    return struct.pack('>H', len(data)) + data


def serialized(context):
    pairs = b''.join(sized(k.encode()) + sized(v.encode()) for k, v in sorted(context.items()))
    return struct.pack('>H', len(context)) + pairs if context else b''


def content_aad(message_id, kind, number, size):
    return message_id + b'AWSKMSEncryptionClient ' + kind + struct.pack('>IQ', number, size)


def body_of(key, message_id, text, frame):
    """`frame` 0: not framed."""
    if not frame:
        nonce = struct.pack('>IQ', 0, 1)
        sealed, tag = gcm(key, nonce, content_aad(message_id, b'Single Block', 1, len(text)), text)
        return nonce + struct.pack('>Q', len(text)) + sealed + tag
    out, number = b'', 1
    while len(text) > frame:
        nonce, part, text = struct.pack('>IQ', 0, number), text[:frame], text[frame:]
        sealed, tag = gcm(key, nonce, content_aad(message_id, b'Frame', number, frame), part)
        out += struct.pack('>I', number) + nonce + sealed + tag
        number += 1
    nonce = struct.pack('>IQ', 0, number)
    sealed, tag = gcm(key, nonce, content_aad(message_id, b'Final Frame', number, len(text)), text)
    return out + b'\xff\xff\xff\xff' + struct.pack('>I', number) + nonce + \
        struct.pack('>I', len(text)) + sealed + tag


def make(suite, data_key, keys, context, text, unstored=None, frame=4096, signer=None):
    """`keys`: (provider, info, ciphertext) of the data key. Signed: the signer's point is in the
    context."""
    edks = struct.pack('>H', len(keys)) + b''.join(sized(part) for key in keys for part in key)
    message_id = os.urandom(32 if suite >= 0x0400 else 16)
    key, commitment = derived(suite, data_key, message_id)
    inner = message_id + sized(serialized(context)) + edks + (b'\x02' if frame else b'\x01')
    if suite >= 0x0400:
        header = b'\x02' + struct.pack('>H', suite) + inner + struct.pack('>I', frame) + commitment
        nonce = b''
    else:
        header = b'\x01\x80' + struct.pack('>H', suite) + inner + bytes(4) + b'\x0c' + \
            struct.pack('>I', frame)
        nonce = bytes(12)
    tag = gcm(key, nonce or bytes(12), header + serialized(unstored or {}), b'')[1]
    message = header + nonce + tag + body_of(key, message_id, text, frame)
    return message + (sized(signer.sign(message)) if suite in SIGNED else b'')


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        self.at += size
        assert self.at <= len(self.data)
        return self.data[self.at - size:self.at]

    def number(self, size):
        return int.from_bytes(self.take(size), 'big')

    def sized(self):
        return self.take(self.number(2))


Parsed = collections.namedtuple('Parsed', 'suite id context keys framed frame commitment header '
                                'rest')


def parse(message):
    """`header`: what its tag is over; `rest`: behind it."""
    read = Reader(message)
    second = message[:1] == b'\x02'
    assert read.take(1 if second else 2) == (b'\x02' if second else b'\x01\x80')
    suite, message_id = read.number(2), read.take(32 if second else 16)
    inner, context = Reader(read.sized()), {}
    if inner.data:
        for _ in range(inner.number(2)):
            key = inner.sized()
            context[key.decode()] = inner.sized().decode()
    keys = [(read.sized(), read.sized(), read.sized()) for _ in range(read.number(2))]
    framed = {1: False, 2: True}[read.number(1)]
    if not second:
        assert read.take(5) == b'\0\0\0\0\x0c'
    frame, commitment = read.number(4), read.take(32) if second else b''
    return Parsed(suite, message_id, context, keys, framed, frame, commitment, message[:read.at],
                  message[read.at:])


def open_body(read, key, message_id, frame):
    """The text of all frames."""
    text, number = b'', 1
    while True:
        mark = read.take(4)
        last = mark == b'\xff\xff\xff\xff'
        assert (read.take(4) if last else mark) == struct.pack('>I', number)
        nonce = read.take(12)
        size = read.number(4) if last else frame
        assert size <= frame
        sealed, tag = read.take(size), read.take(16)
        kind = b'Final Frame' if last else b'Frame'
        text += gcm(key, nonce, content_aad(message_id, kind, number, size), sealed, tag)
        number += 1
        if last:
            return text


def open_with(message, data_key, unstored=None):
    """The text: everything proved, as client-apis/decrypt.md says."""
    found = parse(message)
    key, commitment = derived(found.suite, data_key, found.id)
    assert commitment == found.commitment
    read = Reader(found.rest)
    nonce = bytes(12) if found.commitment else read.take(12)
    gcm(key, nonce, found.header + serialized(unstored or {}), b'', read.take(16))
    text = open_body(read, key, found.id, found.frame)
    if found.suite in SIGNED:
        covered = message[:len(message) - len(read.data) + read.at]
        assert signature_proves(found.suite, found.context[PUBLIC_KEY], read.sized(), covered)
    assert read.at == len(read.data), 'something follows'
    return text
