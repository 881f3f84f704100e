"""What VADER makes of comments: a line for each, `negative`, `neutral` or `positive`.

    python polarity.py comments.tsv

The text is the first column. The limits, a compound score of ±0.05, are those that its authors publish.
"""

import sys

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

analyzer = SentimentIntensityAnalyzer()
with open(sys.argv[1], encoding="utf-8") as comments:
    for comment in comments.read().split("\n")[:-1]:
        score = analyzer.polarity_scores(comment.split("\t")[0])["compound"]
        print("positive" if score >= 0.05 else "negative" if score <= -0.05 else "neutral")
