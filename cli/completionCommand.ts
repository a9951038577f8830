import { Argument, type Command } from "commander";

import { command, type CommonFlags, run } from "./command.ts";
import { completionScript } from "./completion.js";

export function completionCommand(): Command {
  return command("completion", "Print what makes a shell complete commands and options of affiant.", "local", [
    'eval "$(affiant completion bash)"        # in ~/.bashrc',
    'affiant completion zsh > "${fpath[1]}/_affiant"',
    "affiant completion fish > ~/.config/fish/completions/affiant.fish",
  ])
    .addArgument(new Argument("<shell>").choices(["bash", "zsh", "fish"]))
    .action(
      run<CommonFlags, [string]>((_session, _flags, shell) => {
        const script = completionScript(shell) ?? "";
        return Promise.resolve({ data: { shell, script }, lines: [script.trimEnd()] });
      }),
    );
}
