"""`python -m speech.tests.trips.telephone_voice <text>`: the local voice says it on stdout, as mu-law at 8 kHz."""

import sys

import numpy

from speech.tests.session.sound import HZ, spoken

_TELEPHONE_HZ = 8000
_BIAS, _LOUDEST = 132, 32_635


def mu_law(samples: numpy.ndarray) -> bytes:
    """G.711, of 16-bit samples."""
    sizes = numpy.minimum(numpy.abs(samples.astype(numpy.int32)), _LOUDEST) + _BIAS
    exponents = numpy.floor(numpy.log2(sizes)).astype(numpy.int32) - 7
    mantissas = (sizes >> (exponents + 3)) & 0x0F
    signs = numpy.where(samples < 0, 0x80, 0)
    return bytes((~(signs | (exponents << 4) | mantissas) & 0xFF).astype(numpy.uint8).tobytes())


if __name__ == "__main__":
    heard = numpy.frombuffer(spoken(sys.argv[1]), dtype=numpy.int16)
    sys.stdout.buffer.write(mu_law(heard[:: HZ // _TELEPHONE_HZ]))
