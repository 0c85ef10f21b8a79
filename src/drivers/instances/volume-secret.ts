/**
 * What opens an encrypted volume, as an object of QEMU and its tools: the passphrase of its LUKS header is the base64 text of
 * the key, as LUKS in QEMU takes only passphrases that are UTF-8. Never on a command line: by a file that nobody else may
 * read (`{ file }`), or by a monitor (`{ data }`).
 */
export function volumeSecret(volume: string, from: { file: string } | { data: string }): object {
  return { "qom-type": "secret", id: volumeSecretId(volume), format: "raw", ...from };
}

export const volumeSecretId = (volume: string) => `k-${volume}`;
