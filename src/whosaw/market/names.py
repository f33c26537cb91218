"""Small lists of names, places and phrases of which people, shops and reviews are made."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


GIVEN = {
    "US": _words(
        "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan "
        "Joseph Jessica Thomas Karen Carlos Maria Daniel Nancy Matthew Lisa Anthony Betty Marcus Sandra "
        "Steven Ashley Andre Kimberly Joshua Emily Kevin Donna Brian Michelle Luis Carol"
    ),
    "EU": _words(
        "Jürgen Anna Pierre Marie Luca Giulia Mikko Aino Jan Eva Pablo Lucía João Inês Lars Ingrid Marek "
        "Zofia Dieter Sabine Françoise Antoine Chiara Matteo Liisa Juhani Pieter Sanne Álvaro Carmen Søren "
        "Freja Tomáš Petra Anja Klaus Élodie Bruno Katarzyna Piotr"
    ),
    "CN": _words(
        "Wei Fang Na Xiuying Min Jing Li Qiang Lei Jun Yang Yong Yan Jie Juan Tao Ming Chao Xia Ping Gang Hui "
        "Hong Bin Xin Ying Zihan Yuxuan Haoran Xinyi Mengyao Jiahao Ruoxi Yichen Siyu Zhiyuan Peng Lan Bo Dan"
    ),
}

FAMILY = {
    "US": _words(
        "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez "
        "Wilson Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark "
        "Ramirez Lewis Robinson Walker Young Allen King Wright Scott Torres Nguyen Hill Flores Green Adams "
        "Nelson Baker Hall Rivera Campbell Mitchell Carter Roberts"
    ),
    "EU": _words(
        "Müller Schmidt Schneider Fischer Weber Dubois Moreau Laurent Lefèvre Rossi Russo Ferrari Esposito "
        "García Fernández Núñez Silva Santos Korhonen Virtanen Mäkinen Nieminen Jansen Visser Bakker Kowalski "
        "Nowak Wiśniewska Novák Dvořák Hansen Nielsen Larsen Johansson Lindqvist Ångström Murphy Byrne "
        "Papadopoulos Horváth Keller Vogel Bauer Richter Girard Colombo Costa Pereira Hämäläinen Smit"
    ),
    "CN": _words(
        "Wang Li Zhang Liu Chen Yang Huang Zhao Wu Zhou Xu Sun Ma Zhu Hu Guo He Lin Gao Luo Zheng Liang Xie "
        "Song Tang Han Feng Deng Cao Peng Zeng Xiao Tian Dong Pan Yuan Cai Jiang Yu Du Ye Cheng Wei Su Lu "
        "Ding Ren Shen Yao Lü"
    ),
}

STREETS = {
    "US": ["Oak Street", "Maple Avenue", "Cedar Lane", "Washington Boulevard", "Lake Drive", "Hillcrest Road"],
    "EU": ["Lindenstraße", "Rue des Lilas", "Via Garibaldi", "Kauppakatu", "Kerkstraat", "Calle Mayor"],
    "CN": ["Renmin Road", "Zhongshan Road", "Jiefang Avenue", "Heping Street", "Xinhua Road", "Changjiang Road"],
}

CITIES = {
    "US": [("Springfield", "US"), ("Fairview", "US"), ("Riverton", "US"), ("Greenville", "US"), ("Ashland", "US")],
    "EU": [("Kassel", "DE"), ("Lyon", "FR"), ("Tampere", "FI"), ("Utrecht", "NL"), ("Bologna", "IT"), ("Bilbao", "ES")],
    "CN": [("Hangzhou", "CN"), ("Chengdu", "CN"), ("Xiamen", "CN"), ("Wuhan", "CN"), ("Qingdao", "CN")],
}

# RFC 2606 reserves the top-level domain `example`: nothing sent to these addresses can reach anybody
MAIL_DOMAINS = ("mail.example", "post.example", "inbox.example", "letters.example", "freemail.example")

SHOP_FIRST = _words(
    "Lotus Harbor Golden Blue Nova Bright Evergreen Summit Pearl Swift Orchid Titan Maple Zen Aurora "
    "Delta Happy Urban Crystal Silver Magic Royal Sunny Eagle Ocean Nordic Lucky Prime Jade Star"
)
SHOP_SECOND = _words(
    "Trade Goods Home Outdoor Tools Kitchen Audio Optics Fashion Toys Garden Pets Sports Beauty Lighting "
    "Craft Mobile Supply Direct Store Market Living Office Baby Auto"
)

VENDORS = ("own", "Northline Services", "Kairo Contact")
VENDOR_SHARES = (0.55, 0.27, 0.18)

REVIEW_TEXTS = {
    1: [
        "Broke after two days and nobody answers.",
        "Not what the picture shows. Do not buy.",
        "Arrived damaged, refund refused.",
        "Stopped charging within a week.",
    ],
    2: [
        "Cheap material, sizes are wrong.",
        "Works now and then. Disappointed.",
        "Late, and a part was missing.",
        "Smells of plastic, sent it back.",
    ],
    3: ["It is all right for the price.", "Neither good nor bad.", "Took long, but it works."],
    4: ["Good, only the manual is poor.", "Solid, would buy again.", "Nice quality, slow delivery."],
    5: ["Great, exactly as described.", "My third one, still happy.", "Fast delivery, works well."],
}
