#include "config/reference.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "config/parse.h"
#include "config/schema.h"

namespace holdfast::config {
namespace {

const std::string kPage = HOLDFAST_SOURCE_DIR "/docs/CONFIGURATION.md";

// HOLDFAST_WRITE_REFERENCE=1 writes the page instead of comparing it.
TEST(Reference, IsWhatTheDocumentSays) {
  if (std::getenv("HOLDFAST_WRITE_REFERENCE") != nullptr) std::ofstream(kPage) << reference_markdown();
  std::stringstream page;
  page << std::ifstream(kPage).rdbuf();
  EXPECT_EQ(page.str(), reference_markdown())
      << "docs/CONFIGURATION.md is out of date; run this test with HOLDFAST_WRITE_REFERENCE=1";
}

TEST(Reference, ShowsAnExampleThatIsRight) {
  const std::string page = reference_markdown();
  EXPECT_NE(page.find("```toml\n" + std::string(example_file()) + "```\n"), std::string::npos);
  for (const Fault& fault : parse_text(example_file(), "example").faults) ADD_FAILURE() << to_text(fault);
}

void expect_keys(const TableShape& table, const std::string& path, std::string_view page) {
  for (const KeyShape& key : table.keys) {
    const std::string inner = join(path, key.name);
    const bool is_table = key.shape.table != nullptr;
    const std::string mark = is_table ? ".SS " + heading(inner, key.shape.form) : ".TP\n\\fB" + key.name + "\\fR";
    EXPECT_NE(page.find(mark + "\n"), std::string::npos) << mark;
    if (is_table) expect_keys(*key.shape.table, inner, page);
  }
}

TEST(Reference, HasEverySectionAndKeyInTheManualPageToo) {
  const std::string page = reference_man();
  EXPECT_TRUE(page.starts_with(".\\\" Made by `holdfast check \\-\\-man`"));
  EXPECT_NE(page.find("\n.TH HOLDFAST.TOML 5 "), std::string::npos);
  expect_keys(*schema().shape.table, "", page);
}

}  // namespace
}  // namespace holdfast::config
