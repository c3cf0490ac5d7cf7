// SPDX-License-Identifier: Apache-2.0
// For tests: buildah and trivy as scripts that give what was made before, so that a real build-scan-push runs in a second.
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface ScriptedPrograms {
  /** OCI layout with one entry `image`, that every build gives. */
  readonly layout: string;
  /** JSON report of trivy on it. */
  readonly report: object;
}

/** Writes both into `folder`, which is to be put on PATH. */
export async function installPrograms(folder: string, { layout, report }: ScriptedPrograms): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'report.json'), JSON.stringify(report));
  await writeFile(join(folder, 'version.json'), JSON.stringify({ Version: '0.72.0', VulnerabilityDB: { Version: 2, UpdatedAt: new Date().toISOString() } }));
  await writeFile(join(folder, 'buildah'), `#!/bin/sh
for last; do :; done
case " $* " in
  *' --version '*) echo 'buildah version 1.39.3 (image-spec 1.1.0, runtime-spec 1.2.0)';;
  *' info '*) exit 1;;
  *' push '*) to=\${last#oci:}; mkdir -p "\${to%:image}"; cp -r '${layout}/.' "\${to%:image}";;
esac
`);
  await writeFile(join(folder, 'trivy'), `#!/bin/sh
first=$1
while [ $# -gt 0 ]; do [ "$1" = --output ] && out=$2; shift; done
case $first in
  --version) echo 'Version: 0.72.0';;
  version) cat '${folder}/version.json';;
  image) cat '${folder}/report.json' > "$out";;
  convert) echo '{}' > "$out";;
esac
`);
  for (const name of ['buildah', 'trivy']) await chmod(join(folder, name), 0o755);
}
