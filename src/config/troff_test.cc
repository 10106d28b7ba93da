#include "config/troff.h"

#include <gtest/gtest.h>

namespace holdfast::config {
namespace {

TEST(TroffText, EscapesWhatTroffWouldTakeForItsOwn) {
  struct Case {
    const char* markdown;
    const char* want;
  };
  constexpr Case kCases[] = {
      {"plain", "plain"},
      {"a `-x \\n` b", "a \\fB\\-x \\en\\fR b"},
      {".PP is no request", "\\&.PP is no request"},
      {"'quoted' ~ ^", "\\(aqquoted\\(aq \\(ti \\(ha"},
      {"see [TOML](https://toml.io/x) there", "see TOML (https://toml.io/x) there"},
      {"[node] and [[pool.server]]", "[node] and [[pool.server]]"},
      {"`[a](b)`", "\\fB[a](b)\\fR"},
      {"[a](b", "[a](b"},
      {"", ""},
  };
  for (const Case& c : kCases) EXPECT_EQ(troff_text(c.markdown), c.want) << c.markdown;
}

TEST(TroffOf, TranslatesWhatTheReferenceIsWrittenIn) {
  EXPECT_EQ(troff_of(R"(# Title

<!-- a comment -->

One paragraph
on two lines.

## A section

```
.code -x
```

| word | meaning |
|---|---|
| `"5s"` | | five |
| b | c | d |
After.
)"),
            "One paragraph on two lines.\n"
            ".SH A SECTION\n"
            ".in +4n\n.EX\n\\&.code \\-x\n.EE\n.in\n"
            ".TP\n\\fB\"5s\"\\fR\nfive\n"
            ".TP\nb\nc: d\n"
            ".PP\nAfter.\n");
}

}  // namespace
}  // namespace holdfast::config
