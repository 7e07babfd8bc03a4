// Which 32 bytes are a point of edwards25519 that a key or a signature may have.
//
// Browsers differ in what they do with points of small order, for which one signature can pass for many messages.
// They are refused here, whatever the browser does.

import type { Bytes } from "./bytes.ts";

const P = (1n << 255n) - 19n;
const D = modulo(-121665n * power(121666n, P - 2n));

function modulo(value: bigint): bigint {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function power(base: bigint, exponent: bigint): bigint {
  let [result, square] = [1n, modulo(base)];
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = modulo(result * square);
    square = modulo(square * square);
  }
  return result;
}

/** Whether the bytes are a point of the curve, in its shortest form, whose order is not 1, 2, 4 or 8. */
export function isUsablePoint(bytes: Bytes): boolean {
  if (bytes.length !== 32) return false;
  let y = 0n;
  for (let at = 31; at >= 0; at -= 1) y = (y << 8n) | BigInt(at === 31 ? bytes[at] & 0x7f : bytes[at]);
  if (y >= P) return false;
  const square = modulo(y * y);
  // The curve is -x^2 + y^2 = 1 + d x^2 y^2: x exists where (y^2 - 1) / (d y^2 + 1) is a square.
  const [above, below] = [modulo(square - 1n), modulo(D * square + 1n)];
  const isOnCurve = power(above * below, (P - 1n) / 2n) === 1n;
  // Orders 1, 2 and 4 have y = 1, -1 and 0. Doubled, a point of order 8 has y = 0, so its y^2 is -x^2, and the
  // equation of the curve becomes the one below.
  const isSmall = y === 0n || square === 1n || modulo(D * square * square + 2n * square - 1n) === 0n;
  return isOnCurve && !isSmall;
}
