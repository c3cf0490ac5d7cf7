// SPDX-License-Identifier: Apache-2.0
// What an image is made of, as CycloneDX and SPDX, out of trivy's list of packages.
import { formatPlatform, isJsonObject, parseJsonObject, type Context, type ImagePlatform, type JsonObject } from '@pratique/core';
import type { Layout } from '@pratique/oci';
import { canonicalCycloneDx } from './cyclonedx.ts';
import { isTime } from './json-fields.ts';
import type { SbomSubject } from './sbom-subject.ts';
import { canonicalSpdx } from './spdx.ts';
import { partLimit } from './evidence-part.ts';
import { convertArguments, readOutput, runTrivy, type Trivy } from './trivy.ts';

/** Both documents, canonical. */
export interface Sboms {
  readonly cyclonedx: Uint8Array;
  readonly spdx: Uint8Array;
}

/** Makes both documents of a trivy JSON report. `slug` names the files in trivy's folder. Fails with `SCAN_FAILED`, `SCAN_REPORT_INVALID`. */
export async function makeSboms(ctx: Context, trivy: Trivy, options: { readonly report: Uint8Array; readonly subject: SbomSubject; readonly slug: string }): Promise<Sboms> {
  const { subject, slug } = options;
  const inventory = `${slug}.inventory.json`;
  await ctx.files.write(`${trivy.folder}/${inventory}`, JSON.stringify(withoutFindings(parseJsonObject(options.report, 'the trivy report', 'SCAN_REPORT_INVALID'), subject)));
  const convert = async (format: 'cyclonedx' | 'spdx-json'): Promise<Uint8Array> => {
    const output = `${slug}.${format}.json`;
    await runTrivy(trivy, { args: convertArguments(format, inventory, output), timeoutSeconds: 300 }, `SBOM of ${subject.platform}`);
    return readOutput(ctx, `${trivy.folder}/${output}`, partLimit);
  };
  return { cyclonedx: canonicalCycloneDx(await convert('cyclonedx'), subject), spdx: canonicalSpdx(await convert('spdx-json'), subject) };
}

// The name of the artifact goes into names and identifiers of both documents: the digest is the one name that never changes.
function withoutFindings(report: JsonObject, subject: SbomSubject): JsonObject {
  const results = Array.isArray(report['Results']) ? report['Results'].filter(isJsonObject) : [];
  const bare = results.map(({ Target, Class, Type, Packages }) => ({ Target, Class, Type, Packages }));
  return { ...report, ArtifactName: subject.digest, Results: bare };
}

/** The subject of one platform's documents; its time is that of the image config, which BuildKit sets from SOURCE_DATE_EPOCH. */
export async function sbomSubject(layout: Layout, platform: ImagePlatform): Promise<SbomSubject> {
  const { content } = await layout.readManifest(platform.digest);
  const config = content.config ? parseJsonObject(await layout.readSmallBlob(content.config), 'the image config', 'LAYOUT_INVALID') : {};
  const { created } = config;
  const time = typeof created === 'string' && isTime(created) ? new Date(created) : new Date(0);
  return { digest: platform.digest, platform: formatPlatform(platform.platform), created: `${time.toISOString().slice(0, 19)}Z` };
}
