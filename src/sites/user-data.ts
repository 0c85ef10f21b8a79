import { quoted } from "./ssh/scripts.ts";

/**
 * A script that makes a machine of a computer which has nothing of Canopy and can reach it: for cloud-init,
 * or any first command. It needs a POSIX shell, curl or wget, tar and gzip. Tried again for as long as the
 * cloud is away. The token is good once.
 */
export function bootScript({ urls, token }: { urls: readonly string[]; token: string }): string {
  return `#!/bin/sh
folder=\${CANOPY_FOLDER:-/var/lib/canopy}
mkdir -p "$folder/program" && chmod 700 "$folder" && cd "$folder" || exit 1
get() { curl -fsSL --connect-timeout 10 "$1" 2>/dev/null || wget -qO- "$1"; }
fetch() {
  for url in ${urls.map(quoted).join(" ")}; do
    get "$url/v1/agent/$1" > "$1" && gzip -t "$1" 2>/dev/null && return 0
  done
  return 1
}
until fetch agent.tar.gz; do sleep 3; done
tar -xzf agent.tar.gz -C program
node=$(command -v node)
[ "$("\${node:-false}" -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)" -ge 26 ] || {
  node=$folder/node
  until fetch node.gz; do sleep 3; done
  gunzip -c node.gz > "$node" && chmod 755 "$node" && rm node.gz
}
export CANOPY_JOIN_TOKEN=${quoted(token)}
exec "$node" program/agent.js --url ${quoted(urls.join(","))} --folder "$folder/agent" "$@" >> agent.log 2>&1
`;
}
