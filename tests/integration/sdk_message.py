"""sdk_message: AWS Encryption SDK messages, made and opened after its specification.

    https://github.com/awslabs/aws-encryption-sdk-specification (data-format/, client-apis/)

Suites without a signature; one frame. AES-GCM is OpenSSL's libcrypto, by ctypes.
"""
import ctypes
import ctypes.util
import hashlib
import hmac
import os
import struct

crypto = ctypes.CDLL(ctypes.util.find_library('crypto'))
for name in ('EVP_CIPHER_CTX_new', 'EVP_aes_128_gcm', 'EVP_aes_192_gcm', 'EVP_aes_256_gcm'):
    getattr(crypto, name).restype = ctypes.c_void_p
GET_TAG, SET_TAG = 0x10, 0x11
KEY_SIZES = {0x0014: 16, 0x0046: 24, 0x0078: 32, 0x0114: 16, 0x0146: 24, 0x0178: 32,
             0x0378: 32, 0x0478: 32}


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
        block = hmac.new(extracted, block + info + bytes([len(out) // 32 + 1]), digest).digest()
        out += block
    return out[:size]


def derived(suite, key, message_id):
    if suite < 0x0100:
        return key
    if suite in (0x0478,):
        return hkdf('sha512', key, message_id, struct.pack('>H', suite) + b'DERIVEKEY', 32)
    return hkdf('sha384' if suite >= 0x0300 else 'sha256', key, b'',
                struct.pack('>H', suite) + message_id, KEY_SIZES[suite])


def sized(data):
    return struct.pack('>H', len(data)) + data


def serialized(context):
    pairs = b''.join(sized(k.encode()) + sized(v.encode()) for k, v in sorted(context.items()))
    return struct.pack('>H', len(context)) + pairs if context else b''


def body_of(key, message_id, text):
    nonce = struct.pack('>IQ', 0, 1)
    aad = message_id + b'AWSKMSEncryptionClient Final Frame' + struct.pack('>IQ', 1, len(text))
    sealed, tag = gcm(key, nonce, aad, text)
    return b'\xff\xff\xff\xff' + struct.pack('>I', 1) + nonce + struct.pack('>I', len(text)) + \
        sealed + tag


def make(suite, data_key, keys, context, text, unstored=None):
    """`keys`: (provider, info, ciphertext) of the data key."""
    edks = struct.pack('>H', len(keys)) + b''.join(sized(part) for key in keys for part in key)
    if suite >= 0x0400:
        message_id = os.urandom(32)
        key = derived(suite, data_key, message_id)
        commit = hkdf('sha512', data_key, message_id, struct.pack('>H', suite) + b'COMMITKEY', 32)
        header = b'\x02' + struct.pack('>H', suite) + message_id + sized(serialized(context)) + \
            edks + b'\x02' + struct.pack('>I', 4096) + commit
        nonce = b''
    else:
        message_id = os.urandom(16)
        key = derived(suite, data_key, message_id)
        header = b'\x01\x80' + struct.pack('>H', suite) + message_id + \
            sized(serialized(context)) + edks + b'\x02' + bytes(4) + b'\x0c' + \
            struct.pack('>I', 4096)
        nonce = bytes(12)
    tag = gcm(key, nonce or bytes(12), header + serialized(unstored or {}), b'')[1]
    return header + nonce + tag + body_of(key, message_id, text)


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


def parse(message):
    """(suite, id, context, keys, header, rest behind the header)"""
    read = Reader(message)
    assert read.take(2) == b'\x01\x80'
    suite, message_id = read.number(2), read.take(16)
    inner, context = Reader(read.sized()), {}
    if inner.data:
        for _ in range(inner.number(2)):
            key = inner.sized()
            context[key.decode()] = inner.sized().decode()
    keys = [(read.sized(), read.sized(), read.sized()) for _ in range(read.number(2))]
    read.take(1 + 4 + 1 + 4)
    return suite, message_id, context, keys, message[:read.at], message[read.at:]


def open_with(message, data_key, unstored=None):
    """The text: header and frame proved, as client-apis/decrypt.md says."""
    suite, message_id, _, _, header, rest = parse(message)
    key = derived(suite, data_key, message_id)
    gcm(key, rest[:12], header + serialized(unstored or {}), b'', rest[12:28])
    frame = Reader(rest[28:])
    assert frame.take(4) == b'\xff\xff\xff\xff' and frame.number(4) == 1
    nonce = frame.take(12)
    size = frame.number(4)
    sealed, tag = frame.take(size), frame.take(16)
    return gcm(key, nonce, message_id + b'AWSKMSEncryptionClient Final Frame' +
               struct.pack('>IQ', 1, size), sealed, tag)
