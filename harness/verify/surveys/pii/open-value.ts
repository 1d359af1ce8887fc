import { createDecipheriv, createHash, createHmac, timingSafeEqual } from "node:crypto";

/**
 * Opens what policies/pii seals (envelope.sql, keys.sql), here, so that the configured key need not be sent to a database whose code nobody
 * vouches for.
 */
export interface WrappedKey {
  tenant: string;
  kid: number;
  /** Which configured key wraps it, and during a change of that key the one that comes; hexadecimal. */
  under: string;
  wrapped: string;
  nextUnder: string | null;
  nextWrapped: string | null;
}

export interface SealedValue {
  tenant: string;
  id: string;
  /** schema.table.column */
  column: string;
  /** Hexadecimal. */
  value: string;
  /** SHA-256 of what stands in clear beside it, if anything does; hexadecimal. */
  plain: string | null;
}

/** The first eight bytes of a hash by which wrapped keys name the configured one. */
export function wrappingId(key: Buffer): string {
  return createHash("sha256").update("pii wrapping id").update(key).digest("hex").slice(0, 16);
}

/** The data key, 96 bytes: for encryption, for authentication, for the blind index. Null if this configured key does not open it. */
export function unwrap({ tenant, kid, ...wrapped }: WrappedKey, key: Buffer): Buffer | null {
  const id = wrappingId(key);
  const text = wrapped.under === id ? wrapped.wrapped : wrapped.nextUnder === id ? wrapped.nextWrapped : null;
  const blob = Buffer.from(text ?? "", "hex");
  if (blob.length !== 144) return null;
  const header = Buffer.concat([Buffer.from([1]), uuidBytes(tenant), int2(kid)]);
  const body = blob.subarray(0, 112);
  const mac = hmac(key, "pii wrap mac", header, body);
  if (!timingSafeEqual(mac, blob.subarray(112))) return null;
  const decipher = createDecipheriv("aes-256-cbc", hmac(key, "pii wrap", header), blob.subarray(0, 16));
  decipher.setAutoPadding(false);
  return Buffer.concat([decipher.update(blob.subarray(16, 112)), decipher.final()]);
}

export const kidOf = (sealed: Buffer) => sealed.readUInt16BE(1);

/** What a sealed value says, or null if it is not authentic: changed, or sealed for another row, column or tenant. */
export function openValue({ tenant, id, column, value }: SealedValue, dataKey: Buffer): string | null {
  const sealed = Buffer.from(value, "hex");
  const body = sealed.subarray(0, -16);
  const name = Buffer.from(column);
  const place = Buffer.concat([
    int2(16),
    uuidBytes(tenant),
    int2(name.length),
    name,
    int2(16),
    uuidBytes(id),
    int2(name.length + 38),
  ]);
  const mac = hmac(dataKey.subarray(32, 64), body, place).subarray(0, 16);
  if (!timingSafeEqual(mac, sealed.subarray(-16))) return null;
  const decipher = createDecipheriv("aes-256-cbc", dataKey.subarray(0, 32), sealed.subarray(3, 19));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(19, -16)), decipher.final()]).toString();
  } catch {
    return null;
  }
}

function hmac(key: Buffer, ...parts: (string | Buffer)[]): Buffer {
  const digest = createHmac("sha256", key);
  for (const part of parts) digest.update(part);
  return digest.digest();
}

function int2(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

const uuidBytes = (uuid: string) => Buffer.from(uuid.replaceAll("-", ""), "hex");
