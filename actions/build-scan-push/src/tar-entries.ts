// SPDX-License-Identifier: Apache-2.0
// Reads a tar stream entry by entry and keeps of each file only its first bytes (POSIX ustar and GNU headers).

/** One regular file of an archive. */
export interface TarFile {
  readonly path: string;
  /** At most `headBytes`. */
  readonly head: Uint8Array;
}

export interface TarBounds {
  /** Kept of each file. */
  readonly headBytes: number;
  /** After this many bytes of archive reading ends without complaint. */
  readonly mostBytes: number;
}

/** The regular files of a tar archive in order. Ends quietly where the archive ends, the bound is reached or a header makes no sense. */
export async function* readTarFiles(archive: ReadableStream<Uint8Array>, { headBytes, mostBytes }: TarBounds): AsyncGenerator<TarFile> {
  const reader = archive.getReader();
  const input = bufferedInput(reader);
  try {
    while (input.position() < mostBytes) {
      const header = await input.take(512);
      const entry = header === undefined ? undefined : readHeader(header);
      if (entry === undefined) return;
      const padded = Math.ceil(entry.size / 512) * 512;
      const head = entry.file ? await input.take(Math.min(headBytes, entry.size)) : new Uint8Array();
      if (head === undefined) return;
      if (entry.file) yield { path: entry.path, head };
      if (!(await input.skip(padded - head.byteLength))) return;
    }
  } finally {
    await reader.cancel();
  }
}

interface Header {
  readonly path: string;
  readonly size: number;
  readonly file: boolean;
}

function readHeader(block: Uint8Array): Header | undefined {
  const bytes = Buffer.from(block.buffer, block.byteOffset, 512);
  const text = (from: number, length: number): string => bytes.toString('utf8', from, from + length).replace(/\0.*$/s, '');
  // GNU tar writes sizes over 8 GiB in base 256, marked by the highest bit.
  const size = (bytes[124] ?? 0) & 0x80 ? Number(bytes.readBigUInt64BE(128)) : Number.parseInt(text(124, 12).trim() || '0', 8);
  const name = text(0, 100);
  if (name === '' || !Number.isSafeInteger(size) || size < 0) return undefined;
  const prefix = text(257, 5) === 'ustar' && bytes[263] === 0x30 ? text(345, 155) : '';
  const type = bytes[156] ?? 0;
  return { path: (prefix ? `${prefix}/${name}` : name).replace(/^\.?\/+/, ''), size, file: type === 0 || type === 0x30 };
}

function bufferedInput(reader: ReadableStreamDefaultReader<Uint8Array>) {
  let held: Uint8Array = new Uint8Array();
  let position = 0;
  const fill = async (): Promise<boolean> => {
    const { value } = await reader.read();
    if (value !== undefined) held = value;
    return value !== undefined;
  };
  const skip = async (count: number): Promise<boolean> => {
    for (let left = count; left > 0; ) {
      if (held.byteLength === 0 && !(await fill())) return false;
      const part = Math.min(left, held.byteLength);
      held = held.subarray(part);
      position += part;
      left -= part;
    }
    return true;
  };
  const take = async (count: number): Promise<Uint8Array | undefined> => {
    const bytes = new Uint8Array(count);
    for (let at = 0; at < count; ) {
      if (held.byteLength === 0 && !(await fill())) return undefined;
      const part = held.subarray(0, count - at);
      bytes.set(part, at);
      at += part.byteLength;
      await skip(part.byteLength);
    }
    return bytes;
  };
  return { position: () => position, take, skip };
}
