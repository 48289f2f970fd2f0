// The token is in the fragment, so that it reaches no server log and no Referer header.
const form = document.getElementById("form");
const password = document.getElementById("password");
const message = document.getElementById("message");
const token = location.hash.slice(1);

function say(text, kind) {
  message.textContent = text;
  message.className = kind;
}

if (!token) say("This page needs the link that was made for you.", "bad");

document.getElementById("show").addEventListener("change", (event) => {
  password.type = event.target.checked ? "text" : "password";
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  say("One moment…", "");
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token, password: password.value }),
    });
    if (answer.ok) {
      form.querySelector("button").disabled = true;
      history.replaceState(null, "", location.pathname);
      say("Your password is set. You can sign in now.", "good");
      return;
    }
    const problem = await answer.json();
    const details = (problem.errors || []).map((error) => error.detail);
    say(details.join(" ") || problem.detail, "bad");
  } catch {
    say("The server could not be reached. Try again.", "bad");
  }
});
