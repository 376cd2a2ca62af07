// The copy button of a block with prompts copies what one types, without prompts and answers.
document.addEventListener(
  "click",
  (event) => {
    const button = event.target.closest("[data-clipboard-target]");
    const code = button && document.querySelector(button.dataset.clipboardTarget);
    if (!code || !code.querySelector(".gp")) return;
    const typed = [];
    for (const line of code.textContent.split("\n")) {
      const command = line.match(/^(?:\$|>>>|\.\.\.)(?: (.*)|$)/);
      const goes_on = typed.length > 0 && typed[typed.length - 1].endsWith("\\");
      if (command) typed.push(command[1] ?? "");
      else if (goes_on) typed.push(line);
    }
    button.dataset.clipboardText = typed.join("\n");
  },
  true,
);
